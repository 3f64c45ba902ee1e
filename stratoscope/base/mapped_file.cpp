#include "stratoscope/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/guarded_range.h"
#include "stratoscope/base/mistaken_file.h"

namespace stratoscope {

namespace {

std::int64_t modification_time(const struct stat& info) {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  return info.st_mtim.tv_sec * kNanosecondsPerSecond + info.st_mtim.tv_nsec;
}

// Opens a regular file and sets *info. Throws Error.
int open_file(const std::filesystem::path& path, struct stat* info) {
  // Opening a pipe would block until it has a writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw Error("file", path.string() + ": cannot be read: " + std::strerror(errno));
  if (::fstat(fd, info) != 0 || !S_ISREG(info->st_mode)) {
    ::close(fd);
    throw Error("file", path.string() + ": is not a regular file");
  }
  return fd;
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : MappedFile() {  // so that a throw runs the destructor
  struct stat info {};
  path_ = path;  // NOLINT(cppcoreguidelines-prefer-member-initializer)
  fd_ = open_file(path, &info);
  size_ = static_cast<std::size_t>(info.st_size);
  modified_ = modification_time(info);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_, 0);
  if (address == MAP_FAILED)
    throw Error("file", path.string() + ": cannot be mapped into memory: " + std::strerror(errno));
  data_ = static_cast<const std::byte*>(address);
  range_ = add_guarded_range(data_, size_);
}

MappedFile::~MappedFile() {
  if (range_ != nullptr) remove_guarded_range(range_);
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  if (fd_ >= 0) ::close(fd_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      fd_(std::exchange(other.fd_, -1)),
      modified_(other.modified_),
      range_(std::exchange(other.range_, nullptr)) {}

void MappedFile::check_unchanged() const {
  struct stat info {};
  const bool same = ::fstat(fd_, &info) == 0 && static_cast<std::size_t>(info.st_size) == size_ &&
                    modification_time(info) == modified_;
  if (!same)
    throw Error("file", path_.string() + ": was changed while it was in use",
                "start again; a file that is in use may be replaced by renaming another one, not by writing to it");
  if (range_ != nullptr && range_->damaged.load())
    throw Error("file", path_.string() + ": cannot be read: " + std::strerror(EIO));
}

void MappedFile::release_pages(std::span<const std::byte> part) {
  if (part.empty()) return;
  const std::size_t into_page =
      reinterpret_cast<std::uintptr_t>(part.data()) % static_cast<std::size_t>(::getpagesize());
  ::madvise(const_cast<std::byte*>(part.data()) - into_page, part.size() + into_page, MADV_DONTNEED);
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(fd_, other.fd_);
  std::swap(modified_, other.modified_);
  std::swap(range_, other.range_);
  return *this;
}

std::string read_text_file(const std::filesystem::path& path, std::size_t limit) {
  struct stat info {};
  const struct Descriptor {
    int fd;
    ~Descriptor() { ::close(fd); }
  } file{open_file(path, &info)};
  return read_text_file(file.fd, path, limit);
}

std::string read_text_file(int descriptor, const std::filesystem::path& path, std::size_t limit) {
  const auto fail = [&](const std::string& problem) { throw Error("file", path.string() + ": " + problem); };
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) fail("is not a regular file");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > limit)
    fail("has " + std::to_string(size) + " bytes, more than the " + std::to_string(limit) +
         " that such a file may have");
  std::string text(size, '\0');
  for (std::size_t have = 0; have < size;) {
    const ssize_t count = ::pread(descriptor, text.data() + have, size - have, static_cast<off_t>(have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(std::string("cannot be read: ") + std::strerror(errno));
    if (count == 0) fail("was changed while it was read");
    have += static_cast<std::size_t>(count);
  }
  refuse_mistaken_text(text, "file", path.string());
  return text;
}

}  // namespace stratoscope
