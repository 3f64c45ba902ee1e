#include "stratoscope/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "stratoscope/base/error.h"
#include "stratoscope/base/temporary.h"

namespace stratoscope {

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
  const std::string shown = path.string();
  if (path.filename().empty()) throw Error("file", shown + ": is not a file name");
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  if (std::filesystem::is_directory(status)) throw Error("file", shown + ": is a folder");
  // Renaming onto a device or a pipe would take its place.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw Error("file", shown + ": is not a regular file");
  fd_ = create_temporary_file(path.parent_path(), temporary_);
  if (fd_ < 0) fail("cannot be written");
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0 && !committed_) ::unlink(temporary_.c_str());
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
    return;  // EOPNOTSUPP and the like: writing will tell
  }
}

void AtomicFile::commit() {
  // What is in an unfinished folder is synced with all of it, or is never meant to stay.
  const bool on_its_own = !is_temporary(path_.parent_path());
  if (on_its_own && ::fsync(fd_) != 0) fail("cannot be written");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot be put in its place");
  committed_ = true;
  if (on_its_own) sync_folder(path_.parent_path());
}

void AtomicFile::fail(const char* doing) const {
  const int reason = errno;
  throw Error("file", path_.string() + ": " + doing + ": " + std::strerror(reason),
              reason == ENOSPC ? "free some space or choose another place" : "");
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace stratoscope
