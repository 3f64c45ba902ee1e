// The bytes of a file, mapped read-only: a page is read at its first access. A file that is replaced by another one of
// its name stays readable. If it is written to or truncated, the mapping changes, and check_unchanged() detects that;
// with base/mapped_file_guard.h a program survives the loss of pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

struct GuardedRange;

class MappedFile {
 public:
  // Throws Error if the file cannot be opened or is not a regular file. An empty file maps to no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }
  // Throws Error if the file was written to, truncated, or unreadable since it was opened; data from bytes() is then
  // invalid. Call it after reading.
  void check_unchanged() const;
  // Releases the memory of the mapping; the next access reads from the file again.
  void release_pages() const { release_pages(bytes()); }
  // The same for a part of bytes(), including its first and last page.
  static void release_pages(std::span<const std::byte> part);

 private:
  MappedFile() = default;

  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  int fd_ = -1;
  std::int64_t modified_ = 0;  // modification time in nanoseconds, when it was opened
  GuardedRange* range_ = nullptr;
};

// The whole file as a string, for small text files (config.json, merges.txt); read, not mapped. Throws Error as above,
// over `limit` bytes, and for a file that is not text: base/mistaken_file.h.
std::string read_text_file(const std::filesystem::path& path, std::size_t limit = std::size_t{256} << 20);
// The same for an open file, from its beginning; the path is for messages.
std::string read_text_file(int descriptor, const std::filesystem::path& path,
                           std::size_t limit = std::size_t{256} << 20);

}  // namespace stratoscope
