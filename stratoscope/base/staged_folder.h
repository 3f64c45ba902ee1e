// A folder that appears whole or not at all, and never in the place of one that is not ours.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "stratoscope/base/temporary.h"

namespace stratoscope {

class StagedFolder {
 public:
  // Makes a temporary folder beside `path`. The file `marker` will list what is in it, and so say that it is ours.
  // Throws Error when `path` exists and is neither empty nor only ours, and when it cannot be written there.
  StagedFolder(const std::filesystem::path& path, const std::string& marker);
  // Removes the temporary folder unless commit() was reached.
  ~StagedFolder() = default;
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  // Where the files are written until commit().
  const std::filesystem::path& temporary() const { return temporary_->path(); }
  // Writes the marker and puts the folder in its place; an earlier one of ours is gone. Throws Error where that has got
  // a file meanwhile that is not ours, and leaves it as it was.
  void commit();

 private:
  void replace(const Folder& old);
  bool swap(const std::string& name, std::string& old_name) const;

  std::filesystem::path path_;
  std::string marker_;
  std::optional<TemporaryFolder> temporary_;
};

}  // namespace stratoscope
