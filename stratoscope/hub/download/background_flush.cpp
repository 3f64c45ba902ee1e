#include "stratoscope/hub/download/background_flush.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace stratoscope {
namespace {

constexpr std::uint64_t kFlushBytes = std::uint64_t{8} << 20;

// 0 or errno.
int flush(int descriptor, int (*call)(int)) {
  while (call(descriptor) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

}  // namespace

BackgroundFlush::~BackgroundFlush() { stop(); }

void BackgroundFlush::note_written(std::uint64_t bytes) {
  since_ += bytes;
  if (since_ < kFlushBytes || refused_) return;
  since_ = 0;
  if (!thread_.joinable()) {
    try {
      thread_ = std::thread([this] { work(); });
    } catch (const std::system_error&) {
      refused_ = true;
      return;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    requested_ = true;
  }
  changed_.notify_one();
}

int BackgroundFlush::finish() {
  stop();
  const int last = flush(descriptor_, ::fsync);
  return error_ != 0 ? error_ : last;
}

void BackgroundFlush::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return requested_ || stopping_; });
    if (stopping_) return;
    requested_ = false;
    lock.unlock();
    const int error = flush(descriptor_, ::fdatasync);
    lock.lock();
    if (error_ == 0) error_ = error;
  }
}

void BackgroundFlush::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
  stopping_ = false;
}

}  // namespace stratoscope
