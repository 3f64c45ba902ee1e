// A lock between processes, held on a file; it ends with the process. Compatible with Python's filelock, which
// huggingface_hub uses.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "stratoscope/base/folder.h"

namespace stratoscope {

class FileLock {
 public:
  // Creates the file and waits for the lock. Calls `waiting` several times a second meanwhile, which may throw to stop.
  // Throws Error if the file cannot be created. On a file system without locks it returns at once.
  FileLock(const Folder& folder, const std::string& name, const std::function<void()>& waiting);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // The lock if it is free, without waiting.
  static std::optional<FileLock> try_lock(const Folder& folder, const std::string& name);

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace stratoscope
