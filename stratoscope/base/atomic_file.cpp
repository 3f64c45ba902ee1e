#include "stratoscope/base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "stratoscope/base/error.h"
#include "stratoscope/base/link_target.h"
#include "stratoscope/base/temporary.h"

namespace stratoscope {

namespace fs = std::filesystem;

AtomicFile::AtomicFile(const fs::path& path) : shown_(path.string()) {
  if (path.filename().empty()) throw Error("file", shown_ + ": is not a file name");
  const fs::path target = link_target(path);
  if (target != path) shown_ += " (a link to " + target.string() + ")";
  std::error_code ignored;
  const fs::file_status status = fs::status(target, ignored);
  if (fs::is_directory(status) || target.filename().empty()) throw Error("file", shown_ + ": is a folder");
  // Renaming onto a device or a pipe would replace it.
  if (fs::exists(status) && !fs::is_regular_file(status)) throw Error("file", shown_ + ": is not a regular file");
  folder_ = open_to_write(target.parent_path());
  if (!folder_) fail("cannot be written");
  name_ = target.filename().string();
  fd_ = create_temporary_file(*folder_, temporary_);
  if (fd_ < 0) fail("cannot be written");
  if (fs::exists(status)) keep_permissions(status.permissions());
}

// The mode of the replaced file: a private file stays private, and a read-only file is an error.
void AtomicFile::keep_permissions(fs::perms permissions) {
  const bool may_write = ::faccessat(folder_->descriptor(), name_.c_str(), W_OK, AT_EACCESS) == 0;
  const int reason = errno;
  if (may_write && ::fchmod(fd_, static_cast<mode_t>(permissions & fs::perms(0777))) == 0) return;
  if (!may_write) errno = reason;
  const int failure = errno;
  folder_->remove_file(temporary_);
  ::close(fd_);
  fd_ = -1;
  errno = failure;
  fail("cannot be replaced");
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0 && !committed_) folder_->remove_file(temporary_);
  if (fd_ >= 0) ::close(fd_);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::seek(std::uint64_t offset) {
  if (::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0) fail("cannot be written");
}

void AtomicFile::reserve(std::uint64_t bytes) {
  while (bytes > 0 && ::fallocate(fd_, 0, 0, static_cast<off_t>(bytes)) != 0) {
    if (errno == EINTR) continue;
    if (errno == ENOSPC || errno == EFBIG || errno == EDQUOT) fail("cannot be written");
    return;  // EOPNOTSUPP and the like: a full disk is detected by the writes
  }
}

void AtomicFile::commit() {
  // An unfinished folder is synced as a whole, or never kept.
  const bool on_its_own = !is_temporary(folder_->path());
  if (on_its_own && ::fsync(fd_) != 0) fail("cannot be written");
  if (!folder_->rename(temporary_, *folder_, name_)) fail("cannot be put in its place");
  committed_ = true;
  if (on_its_own) folder_->sync();
}

void AtomicFile::fail(const char* doing) const {
  const int reason = errno;
  throw Error("file", shown_ + ": " + doing + ": " + std::strerror(reason),
              reason == ENOSPC ? "free some space or choose another place" : "");
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace stratoscope
