// Flushes a file to the disk while it is being written.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace stratoscope {

// The system would keep written data until the last flush, which then takes as long as the download. Here another
// thread flushes piece by piece, in parallel to the download.
class BackgroundFlush {
 public:
  // The descriptor must stay open as long as this object lives.
  explicit BackgroundFlush(int descriptor) : descriptor_(descriptor) {}
  ~BackgroundFlush();
  BackgroundFlush(const BackgroundFlush&) = delete;
  BackgroundFlush& operator=(const BackgroundFlush&) = delete;

  // Reports `bytes` more written bytes. Does not wait.
  void note_written(std::uint64_t bytes);
  // Flushes everything. Returns the errno of the first failed flush, or 0; the system reports a failure only once.
  int finish();

 private:
  void work();
  void stop();

  const int descriptor_;
  std::uint64_t since_ = 0;  // bytes since the last piece
  bool refused_ = false;     // no thread could be started: everything is flushed at the end
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool requested_ = false, stopping_ = false;
  int error_ = 0;
};

}  // namespace stratoscope
