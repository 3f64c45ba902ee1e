#include "stratoscope/hub/model_list.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/families/families.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/cached_models.h"
#include "stratoscope/hub/checkpoint.h"
#include "stratoscope/hub/find_model.h"
#include "stratoscope/hub/model_files.h"
#include "stratoscope/hub/remedy.h"
#include "stratoscope/text/tokenizer.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

// The files below a folder, each once; follows links.
std::uint64_t bytes_in(const fs::path& folder) {
  std::set<fs::path> files;
  std::uint64_t bytes = 0;
  std::error_code error, ignored;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->is_regular_file(ignored) || !files.insert(fs::canonical(entry->path(), ignored)).second) continue;
    const std::uint64_t size = entry->file_size(ignored);
    if (!ignored) bytes += size;
  }
  return bytes;
}

std::string family_of(const fs::path& folder) {
  constexpr std::size_t kLargestConfig = std::size_t{16} << 20;
  try {
    const fs::path path = folder / kConfigFile;
    const auto config = parse_json(read_text_file(path, kLargestConfig), "config", path.string());
    if (config.is_object() && config.contains("model_type") && config["model_type"].is_string())
      return config["model_type"].get<std::string>();
  } catch (const Error&) {  // reported by try_to_open
  }
  return {};
}

// Number and type of the weights, for any architecture.
void count_tensors(ListedModel& model) {
  try {
    std::size_t parameters = 0, largest = 0;
    for (const fs::path& file : weight_files(model.folder)) {
      const SafetensorsFile weights(file);
      for (const auto& [name, tensor] : weights.tensors()) {
        const std::size_t count = element_count(tensor.shape);
        parameters += count;
        if (count > largest) model.dtype = without_controls(tensor.type);
        largest = std::max(largest, count);
      }
    }
    model.parameters = parameters;
  } catch (const Error&) {  // the same
  }
}

// Whether it can run, by its files' headers.
void try_to_open(ListedModel& model, const std::string& pull_name) {
  try {
    reading({model.name, model.folder, pull_name}, [&] {
      const ModelConfig config = read_model_config(model.folder);
      const Checkpoint checkpoint(model.folder, config);
      model.parameters = checkpoint.parameters();
      model.dtype = name_of(checkpoint.dtype());
      model.memory = weight_memory(config);
      Tokenizer::load(model.folder);
    });
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    model.problem = error.problem();
    model.hint = error.hint();
    if (!model.parameters) count_tensors(model);
  }
}

// A snapshot without all files: an unfinished or partial download.
void note_missing_files(ListedModel& model, const std::string& pull_name) {
  const std::vector<std::string> missing = missing_files(model.folder);
  std::error_code ignored;
  if (missing.empty() || fs::exists(model.folder / kPickleFile, ignored)) return;
  const std::size_t more = missing.size() - 1;
  model.problem = missing.front() + (more > 0 ? " and " + std::to_string(more) + " more are missing" : " is missing");
  model.hint = "'stratoscope pull " + pull_name + "' gets the missing files";
}

// `pull_name` is empty for a built-in model.
ListedModel describe(ListedModel model, const std::string& pull_name) {
  model.family = family_of(model.folder);
  model.bytes = bytes_in(model.folder);
  try_to_open(model, pull_name);
  try {
    if (!model.problem.empty() && !pull_name.empty()) note_missing_files(model, pull_name);
  } catch (const Error&) {  // an invalid index, reported by try_to_open
  }
  return model;
}

std::vector<std::string> names_of(const CachedRepository& repository, const std::string& commit) {
  std::vector<std::string> names = revisions_of(repository.folder);
  std::erase_if(names, [&](const std::string& name) { return commit_of(repository.folder, name) != commit; });
  return names;
}

}  // namespace

std::vector<ListedModel> list_models() {
  std::vector<ListedModel> models;
  std::set<std::string> names;  // the first folder of a name takes precedence
  for (const fs::path& parent : builtin_model_folders())
    for (const std::string& name : folder_names(parent)) {
      if (!names.insert(name).second) continue;
      ListedModel model;
      model.name = name;
      model.built_in = true;
      model.folder = parent / name;
      models.push_back(describe(std::move(model), {}));
    }
  for (const CachedRepository& repository : cached_repositories(hugging_face_cache())) {
    ListedModel model;
    model.name = repository.name;
    model.aliases = repository.aliases;
    const std::vector<std::string> commits = snapshots_of(repository.folder);
    for (const std::string& commit : commits) {
      model.revisions = names_of(repository, commit);
      model.commit = commit;
      model.folder = repository.folder / "snapshots" / commit;
      models.push_back(describe(model, name_to_pull(repository, commit)));
    }
    if (!commits.empty()) continue;
    model.folder = repository.folder;
    model.bytes = bytes_in(repository.folder);
    model.problem = "it has no complete file";
    model.hint = "'stratoscope pull " + repository.name + "' goes on";
    models.push_back(model);
  }
  return models;
}

}  // namespace stratoscope
