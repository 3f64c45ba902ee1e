#include "stratoscope/base/temporary.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBeginning = ".stratoscope-", kEnding = ".tmp";

fs::path or_here(const fs::path& folder) { return folder.empty() ? fs::path(".") : folder; }

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

// Whether the process that its name tells of is alive, this one among them: it may be between closing and renaming.
bool maker_lives(const fs::path& path) {
  const long maker = std::atol(path.filename().c_str() + kBeginning.size());
  return maker > 0 && (::kill(static_cast<pid_t>(maker), 0) == 0 || errno == EPERM);
}

// Ours, and no process holds its lock. A file system without locks refuses here, and then nothing is removed.
void remove_if_left_over(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return;
  struct stat info {};
  std::error_code ignored;
  if (::fstat(fd, &info) == 0 && info.st_uid == ::geteuid() && ::flock(fd, LOCK_EX | LOCK_NB) == 0)
    fs::remove_all(path, ignored);
  ::close(fd);
}

void remove_leftovers(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(or_here(folder), error), end; !error && entry != end; entry.increment(error))
    if (is_temporary(entry->path()) && !maker_lives(entry->path())) remove_if_left_over(entry->path());
}

// Between its creation and its lock somebody who tidies up may have removed it.
bool lock(int fd, const fs::path& path) {
  ::flock(fd, LOCK_EX);
  struct stat opened {
  }, named{};
  return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && same_file(opened, named);
}

// open_new(path) makes the entry and returns its descriptor, or -1 with errno.
template <class OpenNew>
int create(const fs::path& folder, fs::path& path, const OpenNew& open_new) {
  static std::atomic<unsigned> counter{0};
  constexpr int kTries = 1000;
  remove_leftovers(folder);
  for (int i = 0; i < kTries; ++i) {
    std::string name(kBeginning);
    name += std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1));
    path = folder / name.append(kEnding);
    const int fd = open_new(path.c_str());
    if (fd >= 0 && lock(fd, path)) return fd;
    if (fd >= 0) ::close(fd);
    if (fd < 0 && errno != EEXIST) break;
  }
  return -1;
}

}  // namespace

int create_temporary_file(const fs::path& folder, fs::path& path) {
  return create(folder, path,
                [](const char* name) { return ::open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
}

int create_temporary_folder(const fs::path& folder, mode_t mode, fs::path& path) {
  return create(folder, path, [mode](const char* name) {
    if (::mkdir(name, mode) != 0) return -1;
    const int fd = ::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int reason = errno;
    if (fd < 0) ::rmdir(name);
    errno = reason == ENOENT ? EEXIST : reason;  // somebody who tidies up was quicker: the next name, then
    return fd;
  });
}

bool is_temporary(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(kBeginning) && name.ends_with(kEnding);
}

void sync_folder(const fs::path& folder) {
  const int fd = ::open(or_here(folder).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace stratoscope
