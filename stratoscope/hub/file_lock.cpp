#include "stratoscope/hub/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

// If the file of a held lock is removed, other processes lock a new file, and the old lock has no effect.
bool is_still_there(int descriptor, const Folder& folder, const std::string& name) {
  struct stat held {
  }, named{};
  return ::fstat(descriptor, &held) == 0 &&
         ::fstatat(folder.descriptor(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

int open_lock_file(const Folder& folder, const std::string& name) {
  const int descriptor = folder.open_file(name, O_RDWR | O_CREAT);
  if (descriptor < 0)
    throw Error("file", (folder.path() / name).string() + ": cannot be made: " + std::strerror(errno),
                "may this user write to the Hugging Face cache?");
  return descriptor;
}

}  // namespace

std::optional<FileLock> FileLock::try_lock(const Folder& folder, const std::string& name) {
  for (;;) {
    FileLock lock(open_lock_file(folder, name));
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return std::nullopt;
      return lock;  // a file system without locks
    }
    if (is_still_there(lock.descriptor_, folder, name)) return lock;
  }
}

FileLock::FileLock(const Folder& folder, const std::string& name, const std::function<void()>& waiting)
    : descriptor_(-1) {
  constexpr std::chrono::milliseconds kBetweenTries{50};
  for (;;) {
    if (auto lock = try_lock(folder, name)) {
      descriptor_ = std::exchange(lock->descriptor_, -1);
      return;
    }
    waiting();
    std::this_thread::sleep_for(kBetweenTries);
  }
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace stratoscope
