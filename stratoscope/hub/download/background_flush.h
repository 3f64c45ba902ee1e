// Flushes a file to the disk while it is being written.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace stratoscope {

// The system would keep what is written until the last flush, which then takes as long as the whole network did. Here
// another thread flushes piece after piece, so that the disk works meanwhile.
class BackgroundFlush {
 public:
  // The descriptor stays open as long as this lives.
  explicit BackgroundFlush(int descriptor) : descriptor_(descriptor) {}
  ~BackgroundFlush();
  BackgroundFlush(const BackgroundFlush&) = delete;
  BackgroundFlush& operator=(const BackgroundFlush&) = delete;

  // So many more bytes have been written. Never waits.
  void note_written(std::uint64_t bytes);
  // Flushes everything. Returns the errno of the first flush that failed, or 0: the system tells of a failure once.
  int finish();

 private:
  void work();
  void stop();

  const int descriptor_;
  std::uint64_t since_ = 0;  // bytes since the last piece was handed over
  bool refused_ = false;     // the system gives no thread: all is flushed at the end
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool requested_ = false, stopping_ = false;
  int error_ = 0;
};

}  // namespace stratoscope
