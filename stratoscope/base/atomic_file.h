// A file that is created atomically: written under a temporary name in the same folder, flushed, renamed. If the path
// is a symbolic link, its target is written (and created if missing), and the link stays.
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
  // Opens the temporary file. Throws Error if the folder is missing or not writable, if the path is or leads to a
  // folder, a device or a pipe, and for a link of another user in a world-writable folder.
  explicit AtomicFile(const std::filesystem::path& path);
  // Removes the temporary file unless commit() was reached.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Each throws Error with the final path (full disk, file-size limit, deleted folder).
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

  // The offset of the next write from the beginning of the file.
  void seek(std::uint64_t offset);
  // Reserves space for this number of bytes, if the file system supports it, so that a full disk is detected early.
  // Throws Error as above.
  void reserve(std::uint64_t bytes);
  // The file with the bytes until commit().
  std::filesystem::path temporary() const { return folder_->path() / temporary_; }

 private:
  void keep_permissions(std::filesystem::perms permissions);
  [[noreturn]] void fail(const char* doing) const;

  std::string shown_;             // the path, and its target
  std::optional<Folder> folder_;  // the file's own
  std::string name_, temporary_;  // in it
  int fd_ = -1;
  bool committed_ = false;
};

void write_file_atomically(const std::filesystem::path& path, std::string_view text);

}  // namespace stratoscope
