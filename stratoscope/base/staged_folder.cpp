#include "stratoscope/base/staged_folder.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

std::string temporary_beside(const fs::path& path) {
  return (path.parent_path() / ("." + path.filename().string() + ".XXXXXX")).string();
}

void check_that_it_is_ours(const fs::path& path, const std::string& marker) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return;
  if (!fs::is_directory(path, error))
    throw Error("file", path.string() + ": is there already and is not a folder", "choose another place");
  if (!fs::is_empty(path, error) && !fs::exists(path / marker, error))
    throw Error("file", path.string() + ": is a folder that this program did not make, so it is left alone",
                "choose another place");
}

}  // namespace

StagedFolder::StagedFolder(const fs::path& path, const std::string& marker) : path_(path.lexically_normal()) {
  if (!path_.has_filename()) path_ = path_.parent_path();  // "demo/" means "demo"
  if (path_.empty() || path_.filename() == "." || path_.filename() == "..")
    throw Error("file", "'" + path.string() + "' is not a folder that can be made");
  check_that_it_is_ours(path_, marker);
  std::string name = temporary_beside(path_);
  if (::mkdtemp(name.data()) == nullptr)
    throw Error("file", path_.string() + ": cannot be written: " + std::strerror(errno));
  temporary_ = name;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::chmod(name.c_str(), static_cast<mode_t>(0777) & ~mask);
  write_file_atomically(temporary_ / marker, "made by stratoscope; a later run may replace this folder\n");
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void StagedFolder::commit() {
  std::error_code error;
  std::string old = temporary_beside(path_);
  const bool replaces = fs::exists(path_, error);
  if (replaces) {
    if (::mkdtemp(old.data()) == nullptr || ::rename(path_.c_str(), old.c_str()) != 0)
      throw Error("file", path_.string() + ": cannot be replaced: " + std::strerror(errno));
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    throw Error("file", path_.string() + ": cannot be put in its place: " + std::strerror(errno));
  committed_ = true;
  if (replaces) fs::remove_all(old, error);
}

}  // namespace stratoscope
