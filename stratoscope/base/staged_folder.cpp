#include "stratoscope/base/staged_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <sstream>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/temporary.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

// The marker lists what a folder of ours holds. Anything else in it is somebody's work and is left alone.
void check_that_it_is_ours(const fs::path& path, const std::string& marker) {
  std::error_code error;
  if (!fs::exists(path, error)) return;
  if (!fs::is_directory(path, error))
    throw Error("file", path.string() + ": is there already and is not a folder", "choose another place");
  if (fs::is_empty(path, error)) return;
  if (!fs::exists(path / marker, error))
    throw Error("file", path.string() + ": is a folder that this program did not make, so it is left alone",
                "choose another place");
  std::set<std::string> ours = {marker};
  std::istringstream lines(read_text_file(path / marker));
  for (std::string line; std::getline(lines, line);) ours.insert(line);
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error))
    if (const std::string name = entry->path().filename().string(); !ours.contains(name) && !is_temporary(name))
      throw Error("file", path.string() + ": holds " + in_quotes(name) + ", which this program did not write",
                  "move it away, or choose another place");
}

std::string names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  std::string lines;
  for (const std::string& name : names) lines += name + "\n";
  return lines;
}

// Makes every file of the folder, and then the folder, survive a power cut. Returns false with errno set.
bool sync_all(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) {
      if (!sync_all(entry.path())) return false;
      continue;
    }
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool synced = ::fsync(fd) == 0;
    const int reason = errno;
    ::close(fd);
    errno = reason;
    if (!synced) return false;
  }
  sync_folder(folder);
  return true;
}

}  // namespace

StagedFolder::StagedFolder(const fs::path& path, const std::string& marker)
    : path_(path.lexically_normal()), marker_(marker) {
  if (!path_.has_filename()) path_ = path_.parent_path();  // "demo/" means "demo"
  if (path_.empty() || path_.filename() == "." || path_.filename() == "..")
    throw Error("file", "'" + path.string() + "' is not a folder that can be made");
  std::error_code error;
  if (fs::is_symlink(path_, error)) {
    if (!fs::exists(path_, error))
      throw Error("file", path_.string() + ": is there already and is not a folder, but a link to nothing",
                  "choose another place");
    path_ = fs::canonical(path_, error);
  }
  check_that_it_is_ours(path_, marker);
  lock_ = create_temporary_folder(path_.parent_path(), 0777, temporary_);
  if (lock_ < 0) throw Error("file", path_.string() + ": cannot be written: " + std::strerror(errno));
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
  ::close(lock_);
}

void StagedFolder::commit() {
  write_file_atomically(temporary_ / marker_, names_in(temporary_));
  if (!sync_all(temporary_)) throw Error("file", path_.string() + ": cannot be written: " + std::strerror(errno));
  std::error_code error;
  if (!fs::exists(path_, error)) {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
      throw Error("file", path_.string() + ": cannot be put in its place: " + std::strerror(errno));
    committed_ = true;
    return sync_folder(path_.parent_path());
  }
  // Exchanged, the old folder has the temporary name, and the destructor removes it.
  if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0)
    return sync_folder(path_.parent_path());
  // For file systems that cannot exchange. Killed between the renames, the old folder keeps this name.
  const fs::path old = temporary_.string() + ".old";
  if (::rename(path_.c_str(), old.c_str()) != 0)
    throw Error("file", path_.string() + ": cannot be replaced: " + std::strerror(errno));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int reason = errno;
    ::rename(old.c_str(), path_.c_str());
    throw Error("file", path_.string() + ": cannot be replaced: " + std::strerror(reason));
  }
  committed_ = true;
  sync_folder(path_.parent_path());
  fs::remove_all(old, error);
}

}  // namespace stratoscope
