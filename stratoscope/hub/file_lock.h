// A lock between processes: a file that one of them holds. It ends with the process, however that ends. Python's
// filelock, which huggingface_hub uses, takes the same one.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "stratoscope/base/folder.h"

namespace stratoscope {

class FileLock {
 public:
  // Waits until no other process holds it. Calls `waiting` several times a second meanwhile, which may throw to give
  // up. Makes the file. Throws Error where it cannot be made. On a file system without locks there is nothing to hold.
  FileLock(const Folder& folder, const std::string& name, const std::function<void()>& waiting);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // The lock if nobody holds it, without waiting.
  static std::optional<FileLock> try_lock(const Folder& folder, const std::string& name);

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace stratoscope
