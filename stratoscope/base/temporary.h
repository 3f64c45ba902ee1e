// Unfinished files and folders. Each is hidden, named ".stratoscope-….tmp", and locked while its process lives. Files
// left by a killed process are recognised by the name without a lock. A temporary folder also has the sticky bit, which
// no other user can set on a folder of this user, so that a folder that another user has renamed is not taken for one.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "stratoscope/base/folder.h"

namespace stratoscope {

// Creates an empty file, open for reading and writing, under a new name in `folder`, and sets `name`. First removes the
// files that killed processes left in `folder`. Returns the descriptor that holds the lock, for the caller to close; -1
// with errno set on failure. The permissions are 0666 less the umask.
int create_temporary_file(const Folder& folder, std::string& name);

// A temporary folder, removed with its content by the destructor.
class TemporaryFolder {
 public:
  // In the system's folder for temporary files, or in `parent`. Throws Error if it cannot be created.
  TemporaryFolder();
  explicit TemporaryFolder(Folder parent, mode_t mode = 0700);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return folder_->path(); }
  const Folder& folder() const { return *folder_; }
  const Folder& parent() const { return parent_; }
  const std::string& name() const { return name_; }

  // Keeps the folder, which the caller has renamed.
  void keep();

 private:
  Folder parent_;
  std::string name_;
  std::optional<Folder> folder_;
};

// Sets or clears the mark of a folder before it gets such a name, so that it is removed if the process is killed.
void mark_as_temporary(const Folder& folder, bool temporary);
// Opens the folder of a path for writing a file, as Folder::open does; a temporary one only if it belongs to this user
// and is not a link, else errno is EPERM.
std::optional<Folder> open_to_write(const std::filesystem::path& folder);

// Whether the name of an entry is that of a temporary file or folder.
bool is_temporary(const std::filesystem::path& path);

}  // namespace stratoscope
