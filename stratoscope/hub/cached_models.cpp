#include "stratoscope/hub/cached_models.h"

#include <iterator>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/known_models.h"
#include "stratoscope/hub/model_files.h"
#include "stratoscope/hub/remedy.h"

namespace stratoscope {

namespace fs = std::filesystem;

std::optional<fs::path> find_snapshot(const CachedRepository& repository, const std::string& revision) {
  const fs::path snapshots = repository.folder / "snapshots";
  std::error_code ignored;
  if (const auto commit = commit_of(repository.folder, revision);
      commit && fs::is_directory(snapshots / *commit, ignored))
    return snapshots / *commit;
  constexpr std::size_t kShortestCommit = 7;
  std::vector<std::string> matching = snapshots_of(repository.folder);
  if (revision != kMainRevision)
    std::erase_if(matching, [&](const std::string& commit) {
      return revision.size() < kShortestCommit || !commit.starts_with(revision);
    });
  if (matching.size() == 1) return snapshots / matching[0];
  return std::nullopt;
}

std::string name_to_pull(const CachedRepository& repository, const std::string& commit) {
  const auto main = find_snapshot(repository, std::string(kMainRevision));
  return repository.name + (main && main->filename() == commit ? "" : "@" + commit);
}

std::optional<std::string> name_to_pull(const fs::path& folder) {
  std::error_code error;
  const fs::path snapshot = fs::canonical(folder, error);
  if (error || snapshot.parent_path().filename() != "snapshots") return std::nullopt;
  for (const CachedRepository& repository : cached_repositories(hugging_face_cache()))
    if (fs::equivalent(repository.folder, snapshot.parent_path().parent_path(), error))
      return name_to_pull(repository, snapshot.filename().string());
  return std::nullopt;
}

void refuse_incomplete(const std::string& name, const fs::path& snapshot) {
  const std::vector<std::string> missing = missing_files(snapshot);
  std::error_code ignored;
  const bool pickled = missing == std::vector<std::string>{kWeightsFile} && fs::exists(snapshot / kPickleFile, ignored);
  if (pickled) weight_files(snapshot);  // throws the error for pickles, with a remedy
  throw Error("model",
              in_quotes(name) + " is in the Hugging Face cache without " + in_quotes(missing.front()) +
                  (missing.size() > 1 ? " and " + std::to_string(missing.size() - 1) + " more" : ""),
              "'stratoscope pull " + name + "' gets the missing files");
}

std::vector<CachedRepository> repositories_called(const std::string& name) {
  std::vector<CachedRepository> exact, other, ending;
  const KnownModel* const known = known_model(name);
  for (CachedRepository& repository : cached_repositories(hugging_face_cache())) {
    if (repository.is_called(name))
      exact.push_back(std::move(repository));
    else if (known != nullptr && (repository.is_called(known->name) || repository.is_called(known->repository)))
      other.push_back(std::move(repository));
    else if (known == nullptr && name.find('/') == std::string::npos && repository.name.ends_with("/" + name))
      ending.push_back(std::move(repository));
  }
  exact.insert(exact.end(), std::move_iterator(other.begin()), std::move_iterator(other.end()));
  return exact.empty() ? ending : exact;
}

std::optional<ModelLocation> find_cached_model(const std::string& name) {
  const ModelName asked = split_model_name(name);
  std::vector<ModelLocation> found;
  std::optional<fs::path> incomplete;
  for (const CachedRepository& repository : repositories_called(asked.repository)) {
    const auto snapshot = find_snapshot(repository, asked.revision);
    if (!snapshot) continue;
    const ModelLocation location{"", *snapshot, name};
    if (!reading(location, [&] { return missing_files(*snapshot); }).empty()) {
      incomplete = snapshot;
      continue;
    }
    const std::string revision = asked.revision == kMainRevision ? "" : "@" + asked.revision;
    found.push_back({repository.name + revision, *snapshot, name});
    if (repository.is_called(asked.repository)) break;
  }
  if (found.empty() && incomplete) refuse_incomplete(name, *incomplete);
  if (found.empty()) return std::nullopt;
  if (found.size() > 1 && known_model(asked.repository) == nullptr)
    throw Error("model", in_quotes(name) + " may be " + found[0].name + " or " + found[1].name,
                "both are in the Hugging Face cache; write the whole name");
  return found[0];
}

}  // namespace stratoscope
