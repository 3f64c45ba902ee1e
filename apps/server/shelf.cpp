#include "apps/server/shelf.h"

#include <algorithm>
#include <utility>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"
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

OpenText& OpenModel::text(const std::string& text, const TextOptions& options, const Edits& edits) {
  auto found = std::find_if(texts_.begin(), texts_.end(),
                            [&](const Kept& kept) { return kept.text == text && kept.added == options.added; });
  if (found == texts_.end()) {
    texts_.push_front({text, options.added, std::make_unique<OpenText>(session_, text, options)});
    found = texts_.begin();
  }
  texts_.splice(texts_.begin(), texts_, found);
  std::size_t bytes = 0, count = 0;
  for (auto kept = texts_.begin(); kept != texts_.end();) {
    bytes += kept->open->bytes();
    const bool stays = kept == texts_.begin() || (bytes < kKeptTextBytes && count < kKeptTexts);
    ++count;
    kept = stays ? std::next(kept) : texts_.erase(kept);
  }
  texts_.front().open->set_edits(edits);
  return *texts_.front().open;
}

namespace {

// The folder, or the models that it holds where it is none itself.
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

Shelf::Shelf(std::string first, const std::vector<std::filesystem::path>& folders, int threads)
    : first_(std::move(first)), threads_(threads) {
  for (const auto& folder : folders)
    for (auto& model : models_in(folder)) folders_.push_back(std::move(model));
}

std::vector<ListedModel> Shelf::list() const {
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

std::shared_ptr<OpenModel> Shelf::find_open(const std::string& name) {
  const std::lock_guard lock(mutex_);
  for (auto model = open_.begin(); model != open_.end(); ++model)
    if ((*model)->name() == name) {
      open_.splice(open_.begin(), open_, model);
      return open_.front();
    }
  return nullptr;
}

bool Shelf::is_open(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(open_.begin(), open_.end(), [&](const auto& model) { return model->name() == name; });
}

std::shared_ptr<OpenModel> Shelf::open(const std::string& name, Progress& progress) {
  if (auto model = find_open(name)) return model;
  // Only names from the list: what a request says never becomes a path.
  std::vector<std::string> names = {first_};
  for (const ListedModel& model : list()) {
    names.push_back(model.name);
    names.insert(names.end(), model.aliases.begin(), model.aliases.end());
  }
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw Refusal(404, "model", "there is no " + in_quotes(name) + " here",
                  did_you_mean(name, names).empty() ? "GET /api/models lists them" : did_you_mean(name, names));
  const std::lock_guard one_loads(loading_);
  if (auto model = find_open(name)) return model;
  auto model = std::make_shared<OpenModel>(name, name, threads_, progress);
  const std::lock_guard lock(mutex_);
  open_.push_front(model);
  if (open_.size() > kOpenModels) open_.pop_back();  // whoever computes with it keeps it until then
  return model;
}

}  // namespace stratoscope::server
