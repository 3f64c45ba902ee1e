// A folder that appears whole or not at all, and never in the place of one that is not ours.
#pragma once

#include <filesystem>
#include <string>

namespace stratoscope {

class StagedFolder {
 public:
  // Makes a temporary folder beside `path`. The file `marker` will list what is in it, and so say that it is ours.
  // Throws Error when `path` exists and is neither empty nor only ours, and when it cannot be written there.
  StagedFolder(const std::filesystem::path& path, const std::string& marker);
  // Removes the temporary folder unless commit() was reached.
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  // Where the files are written until commit().
  const std::filesystem::path& temporary() const { return temporary_; }
  // Writes the marker and puts the folder in its place; an earlier one of ours is gone.
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  std::string marker_;
  int lock_ = -1;
  bool committed_ = false;
};

}  // namespace stratoscope
