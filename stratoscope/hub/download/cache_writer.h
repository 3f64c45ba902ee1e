// Writes complete blobs, links and references into the Hugging Face cache. Every step is one rename, so that an
// interruption leaves the cache as before the step. The cache itself may be a link; links within it are not followed.
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
  // Creates the repository's folder under the hub's name and, if it differs, the typed name. Each is a link to the
  // other if only one is a folder; a new folder has the hub's name. Throws Error if the cache cannot be written, and if
  // a folder in it is a link.
  CacheWriter(const std::filesystem::path& cache, const std::string& repository, const std::string& typed);
  CacheWriter(const CacheWriter&) = delete;
  CacheWriter& operator=(const CacheWriter&) = delete;

  const std::filesystem::path& folder() const { return folder_.path(); }
  const Folder& blobs() const { return blobs_; }
  std::filesystem::path snapshot(const std::string& commit) const { return snapshots_.path() / commit; }

  // The locks of a blob during its download, under each name of the repository, since Python may use either.
  std::vector<FileLock> lock(const std::string& etag, const std::function<void()>& waiting) const;

  // Removes an empty folder in a file's place. Throws Error for a folder with content.
  static void make_room(const Folder& folder, const std::string& name);
  // Hard-links a blob from the folder of the repository's other name, if it has it.
  void adopt(const std::string& etag) const;
  // Links a blob into a snapshot. `file` is a plain name.
  void link(const std::string& commit, const std::string& file, const std::string& etag) const;
  void set_reference(const std::string& revision, const std::string& commit) const;

 private:
  void put_in_place(const std::string& name, const Folder& folder, const std::string& new_name) const;

  // The names of the repository's folders.
  struct Names {
    Names(const Folder& cache, const std::string& repository, const std::string& typed);
    std::string own, typed;           // the hub's name, and the user's
    std::string folder, other;        // the folder to write, and a second one or empty
    std::vector<std::string> locked;  // in the order in which they are locked
  };

  Folder cache_;
  Names names_;
  Folder folder_, blobs_, snapshots_, references_, locks_;
  TemporaryFolder staging_;  // in a folder that Python does not read
};

}  // namespace stratoscope
