#include "tests/faults/failing_disk.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>

namespace stratoscope::testing {

Disk& disk() {
  static Disk state;
  return state;
}

void repair_disk() { disk() = {}; }

namespace {

// False, with errno set, when this call is one too many.
bool may_call() {
  Disk& state = disk();
  ++state.called;
  if (state.calls == 0) {
    errno = state.error;
    return false;
  }
  if (state.calls != kEndless) --state.calls;
  return true;
}

}  // namespace
}  // namespace stratoscope::testing

using stratoscope::testing::disk;
using stratoscope::testing::kEndless;
using stratoscope::testing::may_call;

extern "C" {

int __real_openat(int folder, const char* path, int flags, ...);
int __real_mkdirat(int folder, const char* path, mode_t mode);
ssize_t __real_write(int fd, const void* bytes, size_t count);
int __real_renameat(int from_folder, const char* from, int to_folder, const char* to);
int __real_renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags);

int __wrap_openat(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if ((flags & O_CREAT) != 0 && !may_call()) return -1;
  return __real_openat(folder, path, flags, mode);
}

int __wrap_mkdirat(int folder, const char* path, mode_t mode) {
  return may_call() ? __real_mkdirat(folder, path, mode) : -1;
}

// As a disk that fills up: the bytes that still fit are written, and the next call fails.
ssize_t __wrap_write(int fd, const void* bytes, size_t count) {
  auto& state = disk();
  const auto fits = static_cast<size_t>(std::min<std::uint64_t>(count, state.room));
  if (fits == 0 && count > 0) {
    errno = state.error;
    return -1;
  }
  if (!may_call()) return -1;
  const ssize_t written = __real_write(fd, bytes, fits);
  if (written > 0 && state.room != kEndless) state.room -= static_cast<std::uint64_t>(written);
  if (written > 0) state.written += static_cast<std::uint64_t>(written);
  return written;
}

// No file outlives the test, so syncing is not needed.
int __wrap_fsync(int) { return may_call() ? 0 : -1; }

int __wrap_renameat(int from_folder, const char* from, int to_folder, const char* to) {
  return may_call() ? __real_renameat(from_folder, from, to_folder, to) : -1;
}

int __wrap_renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  return may_call() ? __real_renameat2(from_folder, from, to_folder, to, flags) : -1;
}
}
