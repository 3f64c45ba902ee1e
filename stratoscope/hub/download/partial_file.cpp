#include "stratoscope/hub/download/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"

namespace stratoscope {

namespace {

bool is_ours_alone(int descriptor) {
  struct stat info {};
  return ::fstat(descriptor, &info) == 0 && info.st_nlink == 1;
}

int open_partial(const Folder& folder, const std::string& name) {
  const int there = folder.open_file(name, O_RDWR);
  if (there < 0) return errno == ENOENT ? folder.open_file(name, O_RDWR | O_CREAT) : -1;
  if (is_ours_alone(there)) return there;
  ::close(there);
  return folder.remove_file(name) ? folder.open_file(name, O_RDWR | O_CREAT | O_EXCL) : -1;
}

// Reads the file's first `count` bytes; false if it cannot.
bool add_bytes(int descriptor, std::uint64_t count, Digest& digest, const std::function<void()>& reading) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  std::vector<std::byte> piece(std::min<std::uint64_t>(kPiece, count));
  for (std::uint64_t at = 0; at < count;) {
    const ssize_t got =
        ::pread(descriptor, piece.data(), std::min<std::uint64_t>(piece.size(), count - at), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    digest.add({piece.data(), static_cast<std::size_t>(got)});
    at += static_cast<std::uint64_t>(got);
    reading();
  }
  return true;
}

}  // namespace

bool has_digest(const Folder& folder, const std::string& etag, std::uint64_t size,
                const std::function<void()>& reading) {
  const int descriptor = folder.open_file(etag, O_RDONLY);
  if (descriptor < 0) return false;
  const struct Closing {
    int descriptor;
    ~Closing() { ::close(descriptor); }
  } closing{descriptor};
  Digest digest(etag, size);
  return add_bytes(descriptor, size, digest, reading) && digest.hex() == etag;
}

PartialFile::PartialFile(const Folder& folder, std::string name, std::string etag, std::uint64_t size)
    : folder_(folder),
      name_(std::move(name)),
      etag_(std::move(etag)),
      size_(size),
      digest_(etag_, size),
      descriptor_(open_partial(folder_, name_)) {
  if (descriptor_ < 0) fail("cannot be opened");
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail("cannot be read");
  position_ = static_cast<std::uint64_t>(status.st_size);
  if (position_ > size_) restart();
  flush_.emplace(descriptor_);
}

PartialFile::~PartialFile() {
  flush_.reset();
  if (descriptor_ >= 0) ::close(descriptor_);
}

void PartialFile::hash_beginning(const std::function<void()>& reading) {
  if (!add_bytes(descriptor_, position_, digest_, reading)) fail("cannot be read");
}

void PartialFile::append(std::span<const std::byte> bytes) {
  if (bytes.size() > size_ - position_)
    throw Error("pull",
                (folder_.path() / name_).string() + ": would become longer than " + std::to_string(size_) + " bytes");
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(position_));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail("cannot be written");
    const auto written = static_cast<std::size_t>(count);
    digest_.add(bytes.first(written));
    position_ += written;
    flush_->note_written(written);
    bytes = bytes.subspan(written);
  }
}

void PartialFile::restart() {
  if (::ftruncate(descriptor_, 0) != 0) fail("cannot be emptied");
  position_ = 0;
  digest_ = Digest(etag_, size_);
}

bool PartialFile::is_right() {
  found_hash_ = digest_.hex();
  return found_hash_ == etag_;
}

void PartialFile::move_to(const std::string& name) {
  errno = flush_->finish();
  if (errno != 0) fail("cannot be written");
  if (!folder_.rename(name_, folder_, name)) fail("cannot be put in its place");
  folder_.sync();
}

void PartialFile::remove() const { folder_.remove_file(name_); }

void PartialFile::fail(const char* doing) const {
  const int reason = errno;
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  throw Error("file", (folder_.path() / name_).string() + ": " + doing + ": " + std::strerror(reason),
              full ? "free some space and run the same command again, which resumes; $HF_HUB_CACHE names "
                     "another folder"
                   : "");
}

}  // namespace stratoscope
