#include "stratoscope/hub/remove_model.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/cached_models.h"
#include "stratoscope/hub/file_lock.h"
#include "stratoscope/hub/find_model.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

void take_away(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);  // removes links, and nothing that they lead to
  if (error) throw Error("models", path.string() + ": cannot be removed: " + error.message());
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    entries.push_back(entry->path());
  return entries;
}

CachedRepository repository_to_remove(const std::string& name) {
  const std::vector<CachedRepository> found = repositories_called(name);
  if (found.size() == 1 || (!found.empty() && found[0].is_called(name))) return found[0];
  if (!found.empty())
    throw Error("models", in_quotes(name) + " may be " + found[0].name + " or " + found[1].name,
                "write the whole name");
  std::vector<std::string> names;
  for (const CachedRepository& repository : cached_repositories(hugging_face_cache())) names.push_back(repository.name);
  for (const fs::path& parent : builtin_model_folders())
    if (const auto built_in = folder_names(parent); std::find(built_in.begin(), built_in.end(), name) != built_in.end())
      throw Error("models", in_quotes(name) + " is built in, and is not removed");
  throw Error("models", in_quotes(name) + " is not in the Hugging Face cache (" + hugging_face_cache().string() + ")",
              did_you_mean(name, names));
}

// The folders of locks under each of the repository's names.
std::vector<fs::path> lock_folders(const CachedRepository& repository) {
  std::vector<fs::path> folders = {hugging_face_cache() / ".locks" / repository.folder.filename()};
  for (const std::string& alias : repository.aliases)
    folders.push_back(hugging_face_cache() / ".locks" / cache_folder_name(alias));
  return folders;
}

// So that nobody downloads what is being removed.
std::vector<FileLock> lock_all(const CachedRepository& repository) {
  std::vector<FileLock> locks;
  for (const fs::path& folder : lock_folders(repository))
    for (const fs::path& entry : entries_of(folder)) {
      if (entry.extension() != ".lock") continue;
      auto lock = FileLock::try_lock(entry);
      if (!lock)
        throw Error("models", in_quotes(repository.name) + " is being downloaded by another process",
                    "wait for it, or end it");
      locks.push_back(std::move(*lock));
    }
  return locks;
}

// Adds the files that a snapshot leads to.
void add_files(const fs::path& snapshot, std::set<fs::path>& files) {
  std::error_code error, ignored;
  for (fs::recursive_directory_iterator entry(snapshot, error), end; !error && entry != end; entry.increment(error))
    files.insert(fs::canonical(entry->path(), ignored));
}

// The files that the snapshots of the cache lead to, but for those that are removed.
std::set<fs::path> needed_files(const std::set<fs::path>& removed) {
  std::set<fs::path> files;
  for (const CachedRepository& repository : cached_repositories(hugging_face_cache()))
    for (const std::string& commit : snapshots_of(repository.folder))
      if (const fs::path snapshot = repository.folder / "snapshots" / commit; !removed.contains(snapshot))
        add_files(snapshot, files);
  return files;
}

// Files that are in a snapshot themselves: on systems without links Python puts them there.
std::uint64_t bytes_of_files(const fs::path& snapshot) {
  std::uint64_t bytes = 0;
  std::error_code error, ignored;
  for (fs::recursive_directory_iterator entry(snapshot, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->is_symlink(ignored) || !entry->is_regular_file(ignored)) continue;
    const std::uint64_t size = entry->file_size(ignored);
    bytes += ignored ? 0 : size;
  }
  return bytes;
}

// Those of `unwanted`, or all, unless a snapshot that stays needs them.
void remove_blobs(const CachedRepository& repository, const std::optional<std::set<fs::path>>& unwanted,
                  const std::set<fs::path>& needed, RemovedModel& removed) {
  for (const fs::path& blob : entries_of(repository.folder / "blobs")) {
    std::error_code error, ignored;
    if (unwanted && !unwanted->contains(fs::canonical(blob, ignored))) continue;
    const std::uint64_t size = fs::is_symlink(blob, ignored) ? 0 : fs::file_size(blob, error);
    const bool shared = needed.contains(fs::canonical(blob, ignored));
    const bool has_other_name = fs::hard_link_count(blob, ignored) > 1;
    (shared || has_other_name ? removed.kept : removed.freed) += error ? 0 : size;
    if (!shared) take_away(blob);
  }
}

}  // namespace

RemovedModel remove_model(const std::string& name) {
  const ModelName asked = split_model_name(name);
  bool whole = name.find('@') == std::string::npos;
  const CachedRepository repository = repository_to_remove(asked.repository);
  std::vector<std::string> commits = snapshots_of(repository.folder);
  if (!whole) {
    const auto snapshot = find_snapshot(repository, asked.revision);
    if (!snapshot)
      throw Error("models", in_quotes(repository.name) + " has no revision " + in_quotes(asked.revision) + " here",
                  did_you_mean(asked.revision, revisions_of(repository.folder)));
    whole = commits.size() == 1;  // the only one: nothing of the model would be left
    commits = {snapshot->filename().string()};
  }
  RemovedModel removed{repository.name, commits, 0, 0};
  const std::vector<FileLock> locks = lock_all(repository);

  // References first, then snapshots, then blobs: nothing ever leads to what is gone.
  std::set<fs::path> snapshots, led_to;
  for (const std::string& commit : commits) snapshots.insert(repository.folder / "snapshots" / commit);
  for (const fs::path& snapshot : snapshots) add_files(snapshot, led_to);
  const std::set<fs::path> needed = needed_files(snapshots);
  for (const std::string& revision : revisions_of(repository.folder))
    if (const auto commit = commit_of(repository.folder, revision);
        whole || (commit && std::find(commits.begin(), commits.end(), *commit) != commits.end()))
      take_away(repository.folder / "refs" / revision);
  for (const fs::path& snapshot : snapshots) {
    removed.freed += bytes_of_files(snapshot);
    take_away(snapshot);
  }
  // Of a revision alone, what others have begun to download stays.
  remove_blobs(repository, whole ? std::nullopt : std::optional(led_to), needed, removed);
  if (!whole) return removed;
  if (entries_of(repository.folder / "blobs").empty()) {
    take_away(repository.folder);
    for (const std::string& alias : repository.aliases) take_away(hugging_face_cache() / cache_folder_name(alias));
    for (const fs::path& folder : lock_folders(repository)) take_away(folder);
  }
  return removed;
}

}  // namespace stratoscope
