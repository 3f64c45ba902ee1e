#include "stratoscope/base/temporary.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBeginning = ".stratoscope-", kEnding = ".tmp";

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

// Whether the process in the name is alive; it may also be this process, between closing and renaming.
bool maker_lives(const std::string& name) {
  const long maker = std::atol(name.c_str() + kBeginning.size());
  return maker > 0 && (::kill(static_cast<pid_t>(maker), 0) == 0 || errno == EPERM);
}

bool is_marked(const struct stat& info) { return (info.st_mode & S_ISVTX) != 0; }

// Removes an entry made by this user if it is not locked. On a file system without locks this fails, and nothing is
// removed.
void remove_if_left_over(const Folder& folder, const std::string& name) {
  const int fd = ::openat(folder.descriptor(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return;
  const Folder entry(fd, folder.path() / name);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || info.st_uid != ::geteuid() || ::flock(fd, LOCK_EX | LOCK_NB) != 0) return;
  if (S_ISREG(info.st_mode)) folder.remove_file(name);
  if (S_ISDIR(info.st_mode) && is_marked(info) && entry.remove_entries()) folder.remove_folder(name);
}

void remove_leftovers(const Folder& folder) {
  for (const std::string& name : folder.names())
    if (is_temporary(name) && !maker_lives(name)) remove_if_left_over(folder, name);
}

// Another process may have removed it between its creation and its lock.
bool take_lock(int fd, const Folder& folder, const std::string& name) {
  ::flock(fd, LOCK_EX);
  struct stat opened {
  }, named{};
  return ::fstat(fd, &opened) == 0 && ::fstatat(folder.descriptor(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         same_file(opened, named);
}

// open_new(name) creates the entry and returns its descriptor, or -1 with errno.
template <class OpenNew>
int create(const Folder& folder, std::string& name, const OpenNew& open_new) {
  static std::atomic<unsigned> counter{0};
  constexpr int kTries = 1000;
  remove_leftovers(folder);
  for (int i = 0; i < kTries; ++i) {
    name = std::string(kBeginning) + std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1));
    name += kEnding;
    const int fd = open_new(name.c_str());
    if (fd >= 0 && take_lock(fd, folder, name)) return fd;
    if (fd >= 0) ::close(fd);
    if (fd < 0 && errno != EEXIST) break;
  }
  return -1;
}

int create_temporary_folder(const Folder& folder, mode_t mode, std::string& name) {
  const int in = folder.descriptor();
  return create(folder, name, [in, mode](const char* new_name) {
    if (::mkdirat(in, new_name, mode | S_ISVTX) != 0) return -1;
    const int fd = ::openat(in, new_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    const int reason = errno;
    if (fd < 0) ::unlinkat(in, new_name, AT_REMOVEDIR);
    errno = reason == ENOENT ? EEXIST : reason;  // another process has removed it: try the next name
    return fd;
  });
}

Folder system_folder() {
  std::error_code failure;
  const fs::path path = fs::temp_directory_path(failure);
  return Folder(failure ? fs::path("/tmp") : path);
}

}  // namespace

int create_temporary_file(const Folder& folder, std::string& name) {
  return create(folder, name, [&folder](const char* new_name) {
    return ::openat(folder.descriptor(), new_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  });
}

TemporaryFolder::TemporaryFolder() : TemporaryFolder(system_folder()) {}

TemporaryFolder::TemporaryFolder(Folder parent, mode_t mode) : parent_(std::move(parent)) {
  const int descriptor = create_temporary_folder(parent_, mode, name_);
  if (descriptor < 0)
    throw Error("file", "no temporary folder can be made in " + parent_.path().string() + ": " + std::strerror(errno),
                "is it writable, with free space? TMPDIR names the folder for temporary files");
  folder_.emplace(descriptor, parent_.path() / name_);
}

TemporaryFolder::~TemporaryFolder() {
  if (!name_.empty() && folder_->remove_entries()) parent_.remove_folder(name_);
}

void TemporaryFolder::keep() {
  mark_as_temporary(*folder_, false);
  name_.clear();
}

void mark_as_temporary(const Folder& folder, bool temporary) {
  struct stat info {};
  if (::fstat(folder.descriptor(), &info) != 0) return;
  const mode_t permissions = info.st_mode & 0777U;
  ::fchmod(folder.descriptor(), temporary ? permissions | S_ISVTX : permissions);
}

std::optional<Folder> open_to_write(const fs::path& path) {
  if (!is_temporary(path)) return Folder::open(path);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return std::nullopt;
  Folder folder(descriptor, path);
  struct stat info {};
  if (::fstat(descriptor, &info) == 0 && info.st_uid == ::geteuid()) return folder;
  errno = EPERM;
  return std::nullopt;
}

bool is_temporary(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(kBeginning) && name.ends_with(kEnding);
}

}  // namespace stratoscope
