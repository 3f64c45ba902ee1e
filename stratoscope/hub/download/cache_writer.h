// What is written into the Hugging Face cache: blobs that are complete, links to them, references. Every step is one
// rename, so that a process that ends in between leaves the cache as it was before the step.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "stratoscope/hub/file_lock.h"

namespace stratoscope {

class CacheWriter {
 public:
  // Makes the repository's folder, and sees to it that it is found under both names: the hub's own and, where that is
  // another one, the name that the user typed. Each is a link to the other where only one of them is a folder; a new
  // folder has the hub's name. Throws Error where the cache cannot be written.
  CacheWriter(const std::filesystem::path& cache, const std::string& repository, const std::string& typed);
  ~CacheWriter();
  CacheWriter(const CacheWriter&) = delete;
  CacheWriter& operator=(const CacheWriter&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path blob(const std::string& etag) const { return folder_ / "blobs" / etag; }
  std::filesystem::path snapshot(const std::string& commit) const { return folder_ / "snapshots" / commit; }

  // Held by whoever downloads the blob, under each of the repository's names: Python may use either.
  std::vector<FileLock> lock(const std::string& etag, const std::function<void()>& waiting) const;

  // Takes over a blob that the folder of the repository's other name has already: the same file, found twice.
  void adopt(const std::string& etag) const;
  // Puts a blob into a snapshot. `file` is a plain name.
  void link(const std::string& commit, const std::string& file, const std::string& etag) const;
  void set_reference(const std::string& revision, const std::string& commit) const;

 private:
  void put_in_place(const std::filesystem::path& from, const std::filesystem::path& to) const;

  std::filesystem::path cache_, folder_, other_;  // other_: a second folder, else empty
  std::vector<std::string> names_;                // of folders, in the order in which they are locked
  std::filesystem::path staging_;                 // where Python looks for neither files nor references
  int staging_lock_ = -1;
};

}  // namespace stratoscope
