#include "stratoscope/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "stratoscope/base/error.h"

namespace stratoscope {

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
  if (path.filename().empty()) throw Error("file", "'" + path.string() + "' is not a file name");
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw Error("file", path.string() + ": is a folder");
  // A name no other process uses at the same time; mkostemp makes it readable by its owner only.
  std::string name = (path.parent_path() / ("." + path.filename().string() + ".XXXXXX")).string();
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) fail("cannot be written");
  temporary_ = name;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(fd, static_cast<mode_t>(0666) & ~mask) != 0) fail("cannot be written");
  file_ = ::fdopen(fd, "wb");
  if (file_ == nullptr) fail("cannot be written");
}

AtomicFile::~AtomicFile() {
  if (file_ != nullptr) std::fclose(file_);
  if (!committed_ && !temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) fail("cannot be written");
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::commit() {
  if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0) fail("cannot be written");
  const int closed = std::fclose(file_);
  file_ = nullptr;
  if (closed != 0) fail("cannot be written");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot be put in its place");
  committed_ = true;
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
