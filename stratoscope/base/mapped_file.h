// A file's bytes, mapped read-only: nothing is copied until a page is touched. A file that is replaced by another of
// its name stays readable. One that is written to or truncated changes under the mapping: check_unchanged() notices,
// and base/mapped_file_guard.h is for programs that want to reach it when pages are gone.
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
  // Throws Error when the file cannot be opened or is not a regular file. An empty file maps to no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }
  // Throws Error when the file was written to, truncated, or could not be read since it was opened: what bytes() showed
  // is then worth nothing. For after reading.
  void check_unchanged() const;
  // Gives the mapping's memory back to the system; the next access reads from the file again.
  void release_pages() const { release_pages(bytes()); }
  // The same for a part of bytes(), and what shares its first and last page.
  static void release_pages(std::span<const std::byte> part);

 private:
  MappedFile() = default;

  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  int fd_ = -1;
  std::int64_t modified_ = 0;  // nanoseconds; when it was opened
  GuardedRange* range_ = nullptr;
};

// The whole file as a string, for small text files (config.json, merges.txt); read, not mapped. Throws Error as above,
// beyond `limit` bytes, and where the file is another than text: base/mistaken_file.h.
std::string read_text_file(const std::filesystem::path& path, std::size_t limit = std::size_t{256} << 20);
// The same of an open file, from its beginning; the path is for messages.
std::string read_text_file(int descriptor, const std::filesystem::path& path,
                           std::size_t limit = std::size_t{256} << 20);

}  // namespace stratoscope
