// A file that appears whole or not at all: written under a temporary name beside its place, flushed, renamed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace stratoscope {

class AtomicFile {
 public:
  // Opens the temporary file. Throws Error when the folder is missing or not writable, and when the path is a folder,
  // a device or a pipe.
  explicit AtomicFile(const std::filesystem::path& path);
  // Removes the temporary file unless commit() was reached.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Each throws Error naming the final path (full disk, file-size limit, vanished folder).
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

  // Where the next write goes, counted from the file's beginning.
  void seek(std::uint64_t offset);
  // Takes the space for so many bytes at once, where the file system can promise it: a disk that is too full is then
  // known before the work. Throws Error as above.
  void reserve(std::uint64_t bytes);
  // Where the bytes are until commit().
  const std::filesystem::path& temporary() const { return temporary_; }

 private:
  [[noreturn]] void fail(const char* doing) const;

  std::filesystem::path path_, temporary_;
  int fd_ = -1;
  bool committed_ = false;
};

void write_file_atomically(const std::filesystem::path& path, std::string_view text);

}  // namespace stratoscope
