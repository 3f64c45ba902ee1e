#include "stratoscope/hub/remove_model.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>

#include "stratoscope/base/error.h"
#include "stratoscope/base/folder.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/cached_models.h"
#include "stratoscope/hub/file_lock.h"
#include "stratoscope/hub/find_model.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

// Only entries with names of the cache are removed; others may belong to a user.
bool is_hash(std::string_view name) {
  constexpr std::size_t kSha1 = 40, kSha256 = 64;
  return (name.size() == kSha1 || name.size() == kSha256) &&
         name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void check(bool done, const Folder& folder, const std::string& name) {
  const int reason = errno;
  if (!done) throw Error("models", (folder.path() / name).string() + ": cannot be removed: " + std::strerror(reason));
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

// The repository's folder and the subfolders to remove from. None of them may be a link, which would lead elsewhere.
struct Parts {
  explicit Parts(const CachedRepository& repository)
      : cache(hugging_face_cache()),
        name(repository.folder.filename().string()),
        folder(cache.find(name)),
        blobs(part("blobs")),
        snapshots(part("snapshots")),
        references(part("refs")),
        missing_files(part(".no_exist")) {
    const auto all_locks = cache.find(".locks");
    std::vector<std::string> names = {name};
    for (const std::string& alias : repository.aliases) names.push_back(cache_folder_name(alias));
    for (const std::string& each : names)
      if (auto found = all_locks ? all_locks->find(each) : std::nullopt) locks.push_back(*std::move(found));
  }
  std::optional<Folder> part(const std::string& part_name) const {
    return folder ? folder->find(part_name) : std::nullopt;
  }

  Folder cache;
  std::string name;
  std::optional<Folder> folder, blobs, snapshots, references, missing_files;
  std::vector<Folder> locks;  // under each name of the repository
};

bool is_lock(const std::string& name) { return name.ends_with(".lock"); }

// Locks the blobs, so that no other process downloads them meanwhile.
std::vector<FileLock> lock_all(const Parts& parts) {
  std::vector<FileLock> locks;
  for (const Folder& folder : parts.locks)
    for (const std::string& name : folder.names(Folder::Kind::file)) {
      if (!is_lock(name)) continue;
      auto lock = FileLock::try_lock(folder, name);
      if (!lock)
        throw Error("models", in_quotes(parts.name) + " is being downloaded by another process",
                    "wait for it, or end it");
      locks.push_back(std::move(*lock));
    }
  return locks;
}

// Adds the targets of a snapshot's links.
void add_files(const fs::path& snapshot, std::set<fs::path>& files) {
  std::error_code error, ignored;
  for (fs::recursive_directory_iterator entry(snapshot, error), end; !error && entry != end; entry.increment(error))
    files.insert(fs::canonical(entry->path(), ignored));
}

// The blobs of all snapshots in the cache, except for the removed ones.
std::set<fs::path> needed_files(const std::set<fs::path>& removed) {
  std::set<fs::path> files;
  for (const CachedRepository& repository : cached_repositories(hugging_face_cache()))
    for (const std::string& commit : snapshots_of(repository.folder))
      if (const fs::path snapshot = repository.folder / "snapshots" / commit; !removed.contains(snapshot))
        add_files(snapshot, files);
  return files;
}

// Files stored in a snapshot itself, as Python does on systems without links.
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

// Removes the blobs in `unwanted`, or all, unless another snapshot needs them.
void remove_blobs(const Folder& blobs, bool whole, const std::set<fs::path>& unwanted, const std::set<fs::path>& needed,
                  RemovedModel& removed) {
  for (const std::string& name : blobs.names()) {
    struct stat info {};
    if (::fstatat(blobs.descriptor(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(info.st_mode)) continue;
    std::error_code ignored;
    const fs::path place = fs::canonical(blobs.path() / name, ignored);
    const bool known = is_hash(name) || S_ISLNK(info.st_mode) || name.ends_with(".incomplete") || is_lock(name);
    if (!unwanted.contains(place) && !(whole && known)) continue;
    const std::uint64_t size = S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0;
    const bool shared = needed.contains(place);
    (shared || info.st_nlink > 1 ? removed.kept : removed.freed) += size;
    if (!shared) check(blobs.remove_file(name), blobs, name);
  }
}

// Removes the references to a removed commit, or all.
void remove_references(const Folder& folder, bool whole, const std::vector<std::string>& commits) {
  constexpr std::size_t kLongest = 256;
  for (const std::string& name : folder.names(Folder::Kind::folder))
    if (const auto inner = folder.find(name)) {
      remove_references(*inner, whole, commits);
      folder.remove_folder(name);  // only if empty
    }
  for (const std::string& name : folder.names(Folder::Kind::link))
    if (whole) check(folder.remove_file(name), folder, name);
  for (const std::string& name : folder.names(Folder::Kind::file)) {
    std::string commit;
    try {
      commit = read_text_file(folder, name, kLongest);
    } catch (const Error&) {  // too long for one
    }
    commit.erase(commit.find_last_not_of(" \t\r\n") + 1);
    const bool unwanted = std::find(commits.begin(), commits.end(), commit) != commits.end();
    if (unwanted || (whole && is_commit(commit))) check(folder.remove_file(name), folder, name);
  }
}

// The entries that remain in a folder after the removal: "notes.txt", "blobs/notes.txt".
void name_rest(const Folder& folder, const std::string& place, std::vector<std::string>& left) {
  for (const std::string& name : folder.names()) {
    const auto inner = folder.kind(name) == Folder::Kind::folder ? folder.find(name) : std::nullopt;
    if (inner)
      name_rest(*inner, place + name + "/", left);
    else
      left.push_back(place + name);
  }
}

// Removes empty folders and the repository's other names.
void remove_folders(const Parts& parts, const CachedRepository& repository, RemovedModel& removed) {
  if (!parts.folder) return;
  for (const char* part : {"blobs", "snapshots", "refs", ".no_exist"}) parts.folder->remove_folder(part);
  if (!parts.cache.remove_folder(parts.name)) {
    if (removed.kept == 0) name_rest(*parts.folder, "", removed.left);
    return;
  }
  for (const std::string& alias : repository.aliases)
    if (const std::string name = cache_folder_name(alias); parts.cache.kind(name) == Folder::Kind::link)
      check(parts.cache.remove_file(name), parts.cache, name);
  const auto all_locks = parts.cache.find(".locks");
  for (const Folder& folder : parts.locks) {
    for (const std::string& name : folder.names())
      if (is_lock(name)) folder.remove_file(name);
    all_locks->remove_folder(folder.path().filename().string());
  }
}

}  // namespace

RemovedModel remove_model(const std::string& name) {
  const ModelName asked = split_model_name(name);
  bool whole = name.find('@') == std::string::npos;
  const CachedRepository repository = repository_to_remove(asked.repository);
  const Parts parts(repository);
  std::vector<std::string> commits = snapshots_of(repository.folder);
  if (!whole) {
    const auto snapshot = find_snapshot(repository, asked.revision);
    if (!snapshot)
      throw Error("models", in_quotes(repository.name) + " has no revision " + in_quotes(asked.revision) + " here",
                  did_you_mean(asked.revision, revisions_of(repository.folder)));
    whole = commits.size() == 1;  // the only one: the model would be empty
    commits = {snapshot->filename().string()};
  }
  std::erase_if(commits, [](const std::string& commit) { return !is_commit(commit); });
  RemovedModel removed{repository.name, commits, 0, 0, {}};
  const std::vector<FileLock> locks = lock_all(parts);

  // References first, then snapshots, then blobs, so that no link is ever broken.
  std::set<fs::path> snapshots, led_to;
  for (const std::string& commit : commits) snapshots.insert(repository.folder / "snapshots" / commit);
  for (const fs::path& snapshot : snapshots) add_files(snapshot, led_to);
  const std::set<fs::path> needed = needed_files(snapshots);
  if (parts.references) remove_references(*parts.references, whole, commits);
  for (const std::string& commit : commits) {
    if (parts.snapshots && parts.snapshots->kind(commit) == Folder::Kind::folder)
      removed.freed += bytes_of_files(parts.snapshots->path() / commit);
    for (const auto* folder : {&parts.snapshots, &parts.missing_files})
      if (*folder) check((*folder)->remove_all(commit), **folder, commit);
  }
  // For a single revision, incomplete downloads stay.
  if (parts.blobs) remove_blobs(*parts.blobs, whole, led_to, needed, removed);
  if (whole) remove_folders(parts, repository, removed);
  return removed;
}

}  // namespace stratoscope
