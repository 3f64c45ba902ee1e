// A file's bytes, mapped read-only: nothing is copied until a page is touched.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

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
  // Gives the mapping's memory back to the system; the next access reads from the file again.
  void release_pages() const { release_pages(bytes()); }
  // The same for a part of bytes(), and what shares its first and last page.
  static void release_pages(std::span<const std::byte> part);

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// The whole file as a string, for small text files (config.json, merges.txt). Throws Error as above, and
// beyond `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, std::size_t limit = std::size_t{256} << 20);

}  // namespace stratoscope
