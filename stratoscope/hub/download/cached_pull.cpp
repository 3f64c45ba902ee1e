#include "stratoscope/hub/download/cached_pull.h"

#include <algorithm>
#include <set>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/cached_models.h"
#include "stratoscope/hub/model_files.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

std::vector<PulledFile> files_in(const fs::path& snapshot) {
  std::vector<PulledFile> files;
  std::error_code error, ignored;
  for (fs::directory_iterator entry(snapshot, error), end; !error && entry != end; entry.increment(error))
    if (entry->is_regular_file(ignored))
      files.push_back({entry->path().filename().string(), entry->file_size(ignored), 0});
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

bool has_companions(const fs::path& snapshot, const std::set<std::string>& files) {
  const auto companions = companion_files();
  return std::all_of(companions.begin(), companions.end(), [&](const char* name) {
    std::error_code ignored;
    return !files.contains(name) || fs::exists(snapshot / name, ignored);
  });
}

}  // namespace

std::optional<PulledModel> find_complete(const fs::path& cache, const ModelName& asked, const HubRevision& revision) {
  fs::path folder = cache / cache_folder_name(asked.repository);
  std::error_code error;
  if (fs::is_symlink(folder, error)) folder = cache / fs::canonical(folder, error).filename();
  const fs::path snapshot = folder / "snapshots" / revision.commit;
  if (commit_of(folder, asked.revision) != revision.commit) return std::nullopt;
  try {
    if (!missing_files(snapshot).empty() || !has_companions(snapshot, revision.files)) return std::nullopt;
  } catch (const Error&) {  // a broken index
    return std::nullopt;
  }
  return PulledModel{revision.repository, asked.revision, revision.commit, snapshot, files_in(snapshot), {}};
}

PulledModel find_offline(const fs::path& cache, const std::string& name) {
  const ModelName asked = split_model_name(name);
  if (const auto found = find_cached_model(name)) {
    const std::string repository = split_model_name(found->name).repository;
    return {repository,    asked.revision,          found->folder.filename().string(),
            found->folder, files_in(found->folder), {"$HF_HUB_OFFLINE is set: the hub was not asked for a newer one"}};
  }
  std::vector<std::string> names;
  for (const CachedRepository& repository : cached_repositories(cache)) {
    names.push_back(repository.name);
    names.insert(names.end(), repository.aliases.begin(), repository.aliases.end());
  }
  std::string hint = did_you_mean(asked.repository, names);
  if (hint.empty()) {
    hint = names.empty() ? "nothing is in it" : "in it are:";
    for (const std::string& near : names) hint += " " + near;
  }
  throw Error("pull",
              "$HF_HUB_OFFLINE is set, and " + in_quotes(name) + " is not in the cache (" + cache.string() + ")", hint);
}

}  // namespace stratoscope
