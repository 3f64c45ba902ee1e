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

// The entries that the marker lists as written by this program.
std::set<std::string> names_of_ours(const Folder& folder, const std::string& marker) {
  std::set<std::string> ours = {marker};
  std::istringstream lines(read_text_file(folder, marker));
  for (std::string line; std::getline(lines, line);) ours.insert(line);
  return ours;
}

// The marker lists the entries written by this program. Other entries may be a user's work and are kept.
void check_that_it_is_ours(const Folder& folder, const std::string& marker) {
  const std::vector<std::string> names = folder.names();
  if (names.empty()) return;
  const std::string path = folder.path().string();
  if (folder.kind(marker) != Folder::Kind::file)
    throw Error("file", path + ": is a folder that this program did not make, so it is not changed",
                "choose another place");
  const std::set<std::string> ours = names_of_ours(folder, marker);
  for (const std::string& name : names)
    if (!ours.contains(name) && !is_temporary(name))
      throw Error("file", path + ": holds " + in_quotes(name) + ", which this program did not make",
                  "move it away, or choose another place");
}

// Removes only entries written by this program.
void remove_ours(const Folder& folder, const std::string& marker) {
  if (folder.kind(marker) != Folder::Kind::file) return;
  const std::set<std::string> ours = names_of_ours(folder, marker);
  for (const std::string& name : folder.names())
    if (name != marker && (ours.contains(name) || is_temporary(name))) folder.remove_all(name);
  folder.remove_file(marker);
}

std::string names_in(const Folder& folder) {
  std::string lines;
  for (const std::string& name : folder.names()) lines += name + "\n";
  return lines;
}

// Syncs every file of the folder, and then the folder. Returns false with errno set.
bool sync_all(const Folder& folder) {
  for (const std::string& name : folder.names()) {
    if (folder.kind(name) == Folder::Kind::folder) {
      if (const auto inner = folder.find(name); inner && !sync_all(*inner)) return false;
      continue;
    }
    const int fd = folder.open_file(name, O_RDONLY);
    if (fd < 0) return false;
    const bool synced = ::fsync(fd) == 0;
    const int reason = errno;
    ::close(fd);
    errno = reason;
    if (!synced) return false;
  }
  folder.sync();
  return true;
}

[[noreturn]] void fail_at(const fs::path& path, const char* doing) {
  const int reason = errno;
  throw Error("file", path.string() + ": " + doing + ": " + std::strerror(reason));
}

}  // namespace

StagedFolder::StagedFolder(const fs::path& path, const std::string& marker)
    : path_(path.lexically_normal()), marker_(marker) {
  if (!path_.has_filename()) path_ = path_.parent_path();  // "demo/" means "demo"
  if (path_.empty() || path_.filename() == "." || path_.filename() == "..")
    throw Error("file", "'" + path.string() + "' is not a path where a folder can be made");
  std::error_code error;
  if (fs::is_symlink(path_, error)) {
    if (!fs::exists(path_, error))
      throw Error("file", path_.string() + ": exists already and is not a folder, but a link to nothing",
                  "choose another place");
    path_ = fs::canonical(path_, error);
  }
  const bool there = fs::exists(path_, error);
  if (there && !fs::is_directory(path_, error))
    throw Error("file", path_.string() + ": exists already and is not a folder", "choose another place");
  if (there) check_that_it_is_ours(Folder(path_), marker);
  auto parent = Folder::open(path_.parent_path());
  if (!parent) fail_at(path_, "cannot be written");
  try {
    temporary_.emplace(*std::move(parent), 0777);
  } catch (const Error& failure) {
    throw Error("file", path_.string() + ": cannot be written: " + failure.problem(), failure.hint());
  }
}

void StagedFolder::commit() {
  write_file_atomically(temporary() / marker_, names_in(temporary_->folder()));
  if (!sync_all(temporary_->folder())) fail_at(path_, "cannot be written");
  const Folder& parent = temporary_->parent();
  if (const auto old = parent.find(path_.filename().string())) {
    replace(*old);
  } else {
    if (!parent.rename(temporary_->name(), parent, path_.filename().string()))
      fail_at(path_, "cannot be put in its place");
    temporary_->keep();
  }
  parent.sync();
}

// Moves the new folder to the place of the old one, which gets the name old_name. Returns false with errno set.
bool StagedFolder::swap(const std::string& name, std::string& old_name) const {
  const Folder& parent = temporary_->parent();
  old_name = temporary_->name();
  if (::renameat2(parent.descriptor(), old_name.c_str(), parent.descriptor(), name.c_str(), RENAME_EXCHANGE) == 0)
    return true;
  // For file systems without an atomic exchange. After a kill between the renames, the old folder keeps this name.
  old_name += ".old";
  if (!parent.rename(name, parent, old_name)) return false;
  if (parent.rename(temporary_->name(), parent, name)) return true;
  const int reason = errno;
  parent.rename(old_name, parent, name);
  errno = reason;
  return false;
}

// A file may have been added to the old folder since the first check, so it is checked again under its new name.
void StagedFolder::replace(const Folder& old) {
  const Folder& parent = temporary_->parent();
  const std::string name = path_.filename().string();
  check_that_it_is_ours(old, marker_);
  mark_as_temporary(old, true);
  std::string old_name;
  if (!swap(name, old_name)) fail_at(path_, "cannot be replaced");
  try {
    check_that_it_is_ours(old, marker_);
  } catch (const Error&) {
    mark_as_temporary(old, false);
    parent.rename(name, parent, temporary_->name() + ".new");
    parent.rename(old_name, parent, name);
    parent.rename(temporary_->name() + ".new", parent, temporary_->name());
    throw;
  }
  temporary_->keep();
  remove_ours(old, marker_);
  parent.remove_folder(old_name);
}

}  // namespace stratoscope
