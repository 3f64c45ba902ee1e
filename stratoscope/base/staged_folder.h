// A folder that is created atomically and replaces only a folder that this program wrote.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "stratoscope/base/temporary.h"

namespace stratoscope {

class StagedFolder {
 public:
  // Creates a temporary folder next to `path`. The file `marker` will list its content and mark it as made by this
  // program. Throws Error if `path` exists and has other content, and if it cannot be written there.
  StagedFolder(const std::filesystem::path& path, const std::string& marker);
  // Removes the temporary folder unless commit() was reached.
  ~StagedFolder() = default;
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  // The folder for the files until commit().
  const std::filesystem::path& temporary() const { return temporary_->path(); }
  // Writes the marker and moves the folder to `path`, in place of an earlier one made by this program. Throws Error,
  // and leaves that one unchanged, if files were added to it since.
  void commit();

 private:
  void replace(const Folder& old);
  bool swap(const std::string& name, std::string& old_name) const;

  std::filesystem::path path_;
  std::string marker_;
  std::optional<TemporaryFolder> temporary_;
};

}  // namespace stratoscope
