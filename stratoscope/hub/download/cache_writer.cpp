#include "stratoscope/hub/download/cache_writer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/temporary.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/known_models.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

bool is_folder_itself(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(fs::symlink_status(path, ignored));
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    throw Error("file", path.string() + ": cannot be made: " + error.message(),
                "may this user write to the Hugging Face cache? $HF_HUB_CACHE names another one");
}

// A folder's second name, beside it. Anything that has the name already stays.
void link_folder(const fs::path& name, const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(name, error))) fs::create_directory_symlink(folder.filename(), name, error);
}

}  // namespace

CacheWriter::CacheWriter(const fs::path& cache, const std::string& repository, const std::string& typed)
    : cache_(cache) {
  const KnownModel* const known = known_model(repository);
  const std::string own = cache_folder_name(repository);
  const std::string second = cache_folder_name(typed == repository && known != nullptr ? known->name : typed);
  const bool own_is_folder = is_folder_itself(cache / own);
  const bool second_is_folder = second != own && is_folder_itself(cache / second);
  // Python keeps a repository under the name that was typed.
  const bool in_second = second_is_folder && (!own_is_folder || typed != repository);
  folder_ = cache / (in_second ? second : own);
  if (own_is_folder && second_is_folder) other_ = cache / (in_second ? own : second);
  names_ = {std::min(own, second)};
  if (second != own) names_.push_back(std::max(own, second));

  for (const char* part : {"blobs", "snapshots", "refs"}) make_folder(folder_ / part);
  make_folder(cache / ".locks" / names_.front());
  link_folder(cache / own, folder_);
  link_folder(cache / cache_folder_name(typed), folder_);
  constexpr mode_t kPrivate = 0700;
  staging_lock_ = create_temporary_folder(cache / ".locks" / names_.front(), kPrivate, staging_);
  if (staging_lock_ < 0)
    throw Error("file", (cache / ".locks").string() + ": cannot be written: " + std::strerror(errno));
}

CacheWriter::~CacheWriter() {
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
  ::close(staging_lock_);
}

std::vector<FileLock> CacheWriter::lock(const std::string& etag, const std::function<void()>& waiting) const {
  std::vector<FileLock> locks;
  for (const std::string& name : names_) locks.emplace_back(cache_ / ".locks" / name / (etag + ".lock"), waiting);
  return locks;
}

void CacheWriter::adopt(const std::string& etag) const {
  std::error_code error;
  if (!other_.empty() && !fs::exists(blob(etag), error))
    fs::create_hard_link(other_ / "blobs" / etag, blob(etag), error);
}

void CacheWriter::put_in_place(const fs::path& from, const fs::path& to) const {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw Error("file", to.string() + ": cannot be put in its place: " + error.message());
  sync_folder(to.parent_path());
}

void CacheWriter::link(const std::string& commit, const std::string& file, const std::string& etag) const {
  const fs::path pointer = snapshot(commit) / file, target = fs::path("..") / ".." / "blobs" / etag;
  std::error_code error;
  if (fs::read_symlink(pointer, error) == target) return;
  make_folder(snapshot(commit));
  const fs::path temporary = staging_ / file;
  fs::create_symlink(target, temporary, error);
  if (error)
    throw Error("file", cache_.string() + ": no link can be made there: " + error.message(),
                "the Hugging Face cache needs a file system with symbolic links; $HF_HUB_CACHE names another folder");
  put_in_place(temporary, pointer);
}

void CacheWriter::set_reference(const std::string& revision, const std::string& commit) const {
  if (revision == commit || commit_of(folder_, revision) == commit) return;
  const fs::path reference = folder_ / "refs" / revision;
  make_folder(reference.parent_path());
  write_file_atomically(staging_ / "reference", commit);
  put_in_place(staging_ / "reference", reference);
}

}  // namespace stratoscope
