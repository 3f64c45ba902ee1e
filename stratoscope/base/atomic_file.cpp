#include "stratoscope/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "stratoscope/base/error.h"

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
  const int fd = open_temporary();
  if (fd < 0) fail("cannot be written");
  file_ = ::fdopen(fd, "wb");
  if (file_ == nullptr) {
    const int reason = errno;
    ::close(fd);
    ::unlink(temporary_.c_str());
    errno = reason;
    fail("cannot be written");
  }
}

AtomicFile::~AtomicFile() {
  if (file_ != nullptr) std::fclose(file_);
  if (!committed_ && !temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;  // an empty span may be at no address
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) fail("cannot be written");
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::commit() {
  const bool flushed = std::fflush(file_) == 0;
  const int reason = errno;
  const bool closed = std::fclose(std::exchange(file_, nullptr)) == 0;
  if (!flushed) errno = reason;
  if (!flushed || !closed) fail("cannot be written");
  // Opened by name, because a writer with a path of its own may have put another file in its place.
  const int fd = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("cannot be written");
  const bool synced = ::fsync(fd) == 0;
  const int sync_reason = errno;
  ::close(fd);
  errno = sync_reason;
  if (!synced) fail("cannot be written");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot be put in its place");
  committed_ = true;
}

// Creates the temporary file under a name that nothing has yet, beside the final place, with the permissions that
// the user's umask gives. Returns its descriptor, or -1 with errno set.
int AtomicFile::open_temporary() {
  static std::atomic<unsigned> counter{0};
  constexpr int kTries = 1000;
  int fd = -1;
  for (int i = 0; i < kTries && fd < 0; ++i) {
    std::string name = ".stratoscope-";
    name += std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1)) + ".tmp";
    temporary_ = path_.parent_path() / name;
    fd = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno != EEXIST) break;
  }
  return fd;
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
