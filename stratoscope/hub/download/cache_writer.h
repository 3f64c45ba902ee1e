// What is written into the Hugging Face cache: blobs that are complete, links to them, references. Every step is one
// rename, so that a process that ends in between leaves the cache as it was before the step. The cache itself may be a
// link; within it none is followed that leads out of the folder that it is in.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "stratoscope/base/folder.h"
#include "stratoscope/base/temporary.h"
#include "stratoscope/hub/file_lock.h"

namespace stratoscope {

class CacheWriter {
 public:
  // Makes the repository's folder, and sees to it that it is found under both names: the hub's own and, where that is
  // another one, the name that the user typed. Each is a link to the other where only one of them is a folder; a new
  // folder has the hub's name. Throws Error where the cache cannot be written, and where a folder in it is a link.
  CacheWriter(const std::filesystem::path& cache, const std::string& repository, const std::string& typed);
  CacheWriter(const CacheWriter&) = delete;
  CacheWriter& operator=(const CacheWriter&) = delete;

  const std::filesystem::path& folder() const { return folder_.path(); }
  const Folder& blobs() const { return blobs_; }
  std::filesystem::path snapshot(const std::string& commit) const { return snapshots_.path() / commit; }

  // Held by whoever downloads the blob, under each of the repository's names: Python may use either.
  std::vector<FileLock> lock(const std::string& etag, const std::function<void()>& waiting) const;

  // Takes away an empty folder that has a file's name. Throws Error for one that holds something.
  static void make_room(const Folder& folder, const std::string& name);
  // Takes over a blob that the folder of the repository's other name has already: the same file, found twice.
  void adopt(const std::string& etag) const;
  // Puts a blob into a snapshot. `file` is a plain name.
  void link(const std::string& commit, const std::string& file, const std::string& etag) const;
  void set_reference(const std::string& revision, const std::string& commit) const;

 private:
  void put_in_place(const std::string& name, const Folder& folder, const std::string& new_name) const;

  // How the repository's folders are called.
  struct Names {
    Names(const Folder& cache, const std::string& repository, const std::string& typed);
    std::string own, typed;           // the hub's name, and the user's
    std::string folder, other;        // the one that is written, and a second one, else empty
    std::vector<std::string> locked;  // in the order in which they are locked
  };

  Folder cache_;
  Names names_;
  Folder folder_, blobs_, snapshots_, references_, locks_;
  TemporaryFolder staging_;  // where Python looks for neither files nor references
};

}  // namespace stratoscope
