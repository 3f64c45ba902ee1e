// A file that appears whole or not at all: written under a temporary name beside its place, flushed, renamed. Where the
// place is a link to a file, or to nothing, the file that it leads to is written, and the link stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "stratoscope/base/folder.h"

namespace stratoscope {

class AtomicFile {
 public:
  // Opens the temporary file. Throws Error when the folder is missing or not writable, when the path is a folder, a
  // device or a pipe or leads to one, and for a link that another user made in a folder where everybody may.
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
  std::filesystem::path temporary() const { return folder_->path() / temporary_; }

 private:
  void keep_permissions(std::filesystem::perms permissions);
  [[noreturn]] void fail(const char* doing) const;

  std::string shown_;             // the path, and where it leads
  std::optional<Folder> folder_;  // the file's own
  std::string name_, temporary_;  // in it
  int fd_ = -1;
  bool committed_ = false;
};

void write_file_atomically(const std::filesystem::path& path, std::string_view text);

}  // namespace stratoscope
