#include "stratoscope/base/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

bool is_entry_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

// A folder that may be entered but not listed can still be written to.
int open_folder(const fs::path& path) {
  const char* name = path.empty() ? "." : path.c_str();
  const int descriptor = ::open(name, kOpenFolder);
  return descriptor >= 0 || errno != EACCES ? descriptor : ::open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

[[noreturn]] void fail(const fs::path& path, const char* doing) {
  const int reason = errno;
  throw Error("file", path.string() + ": " + doing + ": " + std::strerror(reason));
}

}  // namespace

Folder::Folder(const fs::path& path) : descriptor_(open_folder(path)), path_(path) {
  if (descriptor_ < 0) fail(path, "cannot be opened");
}

std::optional<Folder> Folder::open(const fs::path& path) {
  const int descriptor = open_folder(path);
  return descriptor < 0 ? std::nullopt : std::optional(Folder(descriptor, path));
}

Folder::Folder(int descriptor, fs::path path) : descriptor_(descriptor), path_(std::move(path)) {}

Folder::~Folder() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Folder::Folder(Folder&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

Folder& Folder::operator=(Folder&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

std::optional<Folder> Folder::find(const std::string& name) const {
  if (!is_entry_name(name)) return std::nullopt;
  const int descriptor = ::openat(descriptor_, name.c_str(), kOpenFolder | O_NOFOLLOW);
  if (descriptor >= 0) return Folder(descriptor, path_ / name);
  if (errno == ENOENT) return std::nullopt;
  const int reason = errno;
  if (kind(name) == Kind::link)
    throw Error("file", (path_ / name).string() + ": is a link, and links are not followed here",
                "remove the link; its target stays");
  errno = reason;
  fail(path_ / name, "cannot be opened");
}

Folder Folder::make(const std::string& name, mode_t mode) const {
  if (is_entry_name(name) && ::mkdirat(descriptor_, name.c_str(), mode) != 0 && errno != EEXIST)
    fail(path_ / name, "cannot be made");
  if (auto folder = find(name)) return *std::move(folder);
  throw Error("file", (path_ / name).string() + ": cannot be made");
}

Folder::Kind Folder::kind(const std::string& name) const {
  struct stat info {};
  if (!is_entry_name(name) || ::fstatat(descriptor_, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return Kind::missing;
  if (S_ISREG(info.st_mode)) return Kind::file;
  if (S_ISDIR(info.st_mode)) return Kind::folder;
  return S_ISLNK(info.st_mode) ? Kind::link : Kind::other;
}

std::vector<std::string> Folder::names() const {
  std::vector<std::string> names;
  const int again = ::openat(descriptor_, ".", kOpenFolder);  // with its own file position
  if (again < 0) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(again), ::closedir);
  if (listing == nullptr) {
    ::close(again);
    return names;
  }
  while (const dirent* entry = ::readdir(listing.get()))
    if (is_entry_name(entry->d_name)) names.emplace_back(entry->d_name);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> Folder::names(Kind wanted) const {
  std::vector<std::string> all = names();
  std::erase_if(all, [&](const std::string& name) { return kind(name) != wanted; });
  return all;
}

int Folder::open_file(const std::string& name, int flags, mode_t mode) const {
  errno = ENOENT;
  if (!is_entry_name(name)) return -1;
  // Opening a pipe would block until its other end is opened.
  const int descriptor = ::openat(descriptor_, name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode);
  struct stat info {};
  if (descriptor < 0 || (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode))) return descriptor;
  ::close(descriptor);
  errno = EINVAL;
  return -1;
}

bool Folder::remove_file(const std::string& name) const {
  return !is_entry_name(name) || ::unlinkat(descriptor_, name.c_str(), 0) == 0 || errno == ENOENT;
}

bool Folder::remove_folder(const std::string& name) const {
  return !is_entry_name(name) || ::unlinkat(descriptor_, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool Folder::remove_all(const std::string& name) const { return remove_all(name, 0); }

bool Folder::remove_entries() const { return remove_entries(0); }

bool Folder::remove_all(const std::string& name, int depth) const {
  constexpr int kDeepest = 100;  // each level holds a descriptor
  if (remove_file(name)) return true;
  if (errno != EISDIR) return false;
  errno = ELOOP;
  if (depth == kDeepest) return false;
  const int descriptor = ::openat(descriptor_, name.c_str(), kOpenFolder | O_NOFOLLOW);
  return descriptor >= 0 && Folder(descriptor, path_ / name).remove_entries(depth + 1) && remove_folder(name);
}

bool Folder::remove_entries(int depth) const {
  const std::vector<std::string> all = names();
  return std::all_of(all.begin(), all.end(), [&](const std::string& name) { return remove_all(name, depth); });
}

bool Folder::rename(const std::string& name, const Folder& to, const std::string& new_name) const {
  errno = ENOENT;
  return is_entry_name(name) && is_entry_name(new_name) &&
         ::renameat(descriptor_, name.c_str(), to.descriptor_, new_name.c_str()) == 0;
}

void Folder::sync() const { ::fsync(descriptor_); }

std::string read_text_file(const Folder& folder, const std::string& name, std::size_t limit) {
  const int descriptor = folder.open_file(name, O_RDONLY);
  if (descriptor < 0) fail(folder.path() / name, "cannot be read");
  const struct Closing {
    int fd;
    ~Closing() { ::close(fd); }
  } closing{descriptor};
  return read_text_file(descriptor, folder.path() / name, limit);
}

}  // namespace stratoscope
