#include "stratoscope/hub/download/cached_pull.h"

#include <algorithm>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
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

// The files of a pull of the revision, by the snapshot's index; nullopt without a valid one.
std::optional<std::vector<std::string>> files_to_pull(const fs::path& snapshot, const HubRevision& revision) {
  std::vector<std::string> names = {kConfigFile};
  for (const char* const name : companion_files())
    if (revision.files.contains(name)) names.emplace_back(name);
  if (revision.files.contains(kWeightsFile)) {
    names.emplace_back(kWeightsFile);
    return names;
  }
  const fs::path index = snapshot / kWeightsIndexFile;
  names.emplace_back(kWeightsIndexFile);
  try {
    for (std::string& name : files_of_index(read_text_file(index), index.string())) names.push_back(std::move(name));
  } catch (const Interrupted&) {
    throw;
  } catch (const Error&) {
    return std::nullopt;
  }
  return names;
}

std::optional<ModelLocation> find_in_cache(const std::string& name) {
  try {
    return find_cached_model(name);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    throw Error("pull", error.problem(), error.hint() + "; " + kOffline);
  }
}

}  // namespace

bool has_size(const fs::path& file, std::uint64_t size) {
  std::error_code error;
  return fs::is_regular_file(file, error) && fs::file_size(file, error) == size && !error;
}

std::optional<PulledModel> find_complete(const fs::path& cache, const ModelName& asked, const HubRevision& revision,
                                         const std::function<std::uint64_t(const std::string&)>& hub_size) {
  fs::path folder = cache / cache_folder_name(asked.repository);
  std::error_code error;
  if (fs::is_symlink(folder, error)) folder = cache / fs::canonical(folder, error).filename();
  const fs::path snapshot = folder / "snapshots" / revision.commit;
  if (commit_of(folder, asked.revision) != revision.commit) return std::nullopt;
  const auto names = files_to_pull(snapshot, revision);
  const bool complete = names && std::all_of(names->begin(), names->end(), [&](const std::string& name) {
                          return revision.files.contains(name) && has_size(snapshot / name, hub_size(name));
                        });
  if (!complete) return std::nullopt;
  return PulledModel{revision.repository, asked.revision, revision.commit, snapshot, files_in(snapshot), {}};
}

PulledModel find_offline(const fs::path& cache, const std::string& name) {
  const ModelName asked = split_model_name(name);
  if (const auto found = find_in_cache(name)) {
    const std::string repository = split_model_name(found->name).repository;
    return {
        repository,    asked.revision,          found->folder.filename().string(),
        found->folder, files_in(found->folder), {"$HF_HUB_OFFLINE is set: the hub was not checked for a newer one"}};
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
