#include "apps/server/open_models.h"

#include <algorithm>
#include <utility>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/families/families.h"

namespace stratoscope::server {

OpenModel::OpenModel(std::string name, const std::string& name_or_folder, int threads, Progress& progress)
    : name_(std::move(name)),
      progress_(std::make_unique<SessionProgress>()),
      session_({name_or_folder, Precision::fp32, threads, progress_.get()}) {
  progress_->set_target(&progress);
  session_.model();
  progress_->set_target(nullptr);
}

std::shared_ptr<OpenText> OpenModel::text(const std::string& text, const TextOptions& options, const Edits& edits) {
  const auto is_free = [&](const CachedText& cached) {
    return cached.text == text && cached.options == options && cached.open.use_count() == 1;
  };
  auto found = std::find_if(texts_.begin(), texts_.end(),
                            [&](const CachedText& cached) { return is_free(cached) && cached.open->edits() == edits; });
  if (found == texts_.end()) found = std::find_if(texts_.begin(), texts_.end(), is_free);
  if (found == texts_.end()) {
    texts_.push_front({text, options, std::make_shared<OpenText>(session_, text, options)});
    found = texts_.begin();
  }
  texts_.splice(texts_.begin(), texts_, found);
  std::size_t bytes = 0, count = 0;
  for (auto cached = texts_.begin(); cached != texts_.end();) {
    bytes += cached->open->bytes();
    const bool keep = cached == texts_.begin() || (bytes < kCachedTextBytes && count < kCachedTexts);
    ++count;
    cached = keep ? std::next(cached) : texts_.erase(cached);
  }
  texts_.front().open->set_edits(edits);
  return texts_.front().open;
}

namespace {

// The folder itself if it is a model, else the models in it.
std::vector<std::filesystem::path> models_in(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder / "config.json", ignored)) return {folder};
  std::vector<std::filesystem::path> models;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (std::filesystem::exists(entry.path() / "config.json", ignored)) models.push_back(entry.path());
  std::sort(models.begin(), models.end());
  return models.empty() ? std::vector{folder} : models;
}

}  // namespace

OpenModels::OpenModels(std::string default_model, const std::vector<std::filesystem::path>& folders, int threads)
    : default_model_(std::move(default_model)), threads_(threads) {
  for (const auto& folder : folders)
    for (auto& model : models_in(folder)) folders_.push_back(std::move(model));
}

std::vector<ListedModel> OpenModels::list() const {
  std::vector<ListedModel> models = list_models();
  for (const auto& folder : folders_) {
    ListedModel model;
    model.name = folder.string();
    model.folder = folder;
    try {
      model.family = read_model_config(folder).family;
    } catch (const Error& error) {
      model.problem = error.problem();
      model.hint = error.hint();
    }
    models.push_back(std::move(model));
  }
  return models;
}

std::shared_ptr<OpenModel> OpenModels::find_open(const std::string& name) {
  const std::lock_guard lock(mutex_);
  for (auto model = open_.begin(); model != open_.end(); ++model)
    if ((*model)->name() == name) {
      open_.splice(open_.begin(), open_, model);
      return open_.front();
    }
  return nullptr;
}

bool OpenModels::is_open(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(open_.begin(), open_.end(), [&](const auto& model) { return model->name() == name; });
}

std::shared_ptr<OpenModel> OpenModels::open(const std::string& name, Progress& progress) {
  if (auto model = find_open(name)) return model;
  // Only names from the list are opened: a name from a request is never used as a path.
  std::vector<std::string> names = {default_model_};
  for (const ListedModel& model : list()) {
    names.push_back(model.name);
    names.insert(names.end(), model.aliases.begin(), model.aliases.end());
  }
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw HttpError(404, "model", "there is no model " + in_quotes(name),
                    did_you_mean(name, names).empty() ? "GET /api/models lists them" : did_you_mean(name, names));
  const std::lock_guard loading_lock(loading_);
  if (auto model = find_open(name)) return model;
  auto model = std::make_shared<OpenModel>(name, name, threads_, progress);
  const std::lock_guard lock(mutex_);
  open_.push_front(model);
  if (open_.size() > kOpenModels) open_.pop_back();  // a job that uses it still owns it
  return model;
}

}  // namespace stratoscope::server
