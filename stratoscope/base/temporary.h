// Files and folders that are not finished yet. Each is hidden, named ".stratoscope-….tmp", and locked for as long as
// the process that makes it lives. What a killed process left is therefore known: it has such a name and no lock. A
// folder also has the sticky bit, which nobody else can give to a folder of this user: a folder that was only renamed
// so stays.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "stratoscope/base/folder.h"

namespace stratoscope {

// Creates an empty file, open for reading and writing, in `folder`, under a name that nothing has yet, which goes to
// `name`. What killed runs left in `folder` is removed first. Returns the descriptor that holds the lock, for the
// caller to close; -1 with errno set on failure. The permissions are 0666 less the umask.
int create_temporary_file(const Folder& folder, std::string& name);

// A temporary folder, removed with everything in it when this goes.
class TemporaryFolder {
 public:
  // In the system's folder for temporary files, or in `parent`. Throws Error when none can be made.
  TemporaryFolder();
  explicit TemporaryFolder(Folder parent, mode_t mode = 0700);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return folder_->path(); }
  const Folder& folder() const { return *folder_; }
  const Folder& parent() const { return parent_; }
  const std::string& name() const { return name_; }

  // Renamed by the caller, it stays, and is no temporary folder any more.
  void keep();

 private:
  Folder parent_;
  std::string name_;
  std::optional<Folder> folder_;
};

// Of a folder that is about to get such a name, so that it is removed too where a killed process leaves it.
void mark_as_temporary(const Folder& folder, bool temporary);
// Opens the folder of a path, in which a file is to be written, as Folder::open does; a temporary one only where it is
// this user's and no link, else with errno EPERM.
std::optional<Folder> open_to_write(const std::filesystem::path& folder);

// Whether an entry of a folder has such a name.
bool is_temporary(const std::filesystem::path& path);

}  // namespace stratoscope
