// The models that requests may name, and those that are loaded. A model is loaded in the thread of the first request
// for it, while the job queue serves the other models.
#pragma once

#include <atomic>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "stratoscope/hub/model_list.h"
#include "stratoscope/session/open_text.h"
#include "stratoscope/session/session.h"

namespace stratoscope::server {

// Forwards the progress of a session to the current job.
class SessionProgress : public Progress {
 public:
  // Returns the previous target.
  Progress* set_target(Progress* target) { return target_.exchange(target); }
  void update(const char* what, std::size_t done, std::size_t total) override {
    if (Progress* target = target_.load()) target->update(what, done, total);
  }
  bool cancelled() const override {
    const Progress* target = target_.load();
    return target != nullptr && target->cancelled();
  }

 private:
  std::atomic<Progress*> target_{nullptr};
};

// A loaded model with a cache of open texts. Only the thread of the job queue uses the texts; a job that has yielded to
// another one holds its own.
class OpenModel {
 public:
  // Loads the weights. Throws Error.
  OpenModel(std::string name, const std::string& name_or_folder, int threads, Progress& progress);

  const std::string& name() const { return name_; }
  const Session& session() const { return session_; }
  SessionProgress& progress() { return *progress_; }
  // The text with these edits, from the cache where it has it and no other job holds it. The least recently used texts
  // are evicted.
  std::shared_ptr<OpenText> text(const std::string& text, const TextOptions& options, const Edits& edits);

 private:
  std::string name_;
  std::unique_ptr<SessionProgress> progress_;
  Session session_;
  struct CachedText {
    std::string text;
    TextOptions options;
    std::shared_ptr<OpenText> open;
  };
  std::list<CachedText> texts_;  // most recently used first
};

// While it lives, the long work in a model asks the job whether to stop; the job reports progress itself.
class ProgressScope {
 public:
  ProgressScope(OpenModel& model, const Progress& job)
      : quiet_(&job), progress_(model.progress()), previous_(progress_.set_target(&quiet_)) {}
  ~ProgressScope() { progress_.set_target(previous_); }
  ProgressScope(const ProgressScope&) = delete;
  ProgressScope& operator=(const ProgressScope&) = delete;

 private:
  QuietProgress quiet_;
  SessionProgress& progress_;
  Progress* previous_;  // of a job that has yielded to this one
};

class OpenModels {
 public:
  // `folders` are models in Hugging Face layout, or contain some, beside the models that `stratoscope models` lists.
  // `default_model`, a name or one of the folders, serves requests that name no model.
  OpenModels(std::string default_model, const std::vector<std::filesystem::path>& folders, int threads);

  const std::string& default_model() const { return default_model_; }
  std::vector<ListedModel> list() const;
  bool is_open(const std::string& name) const;
  // Throws HttpError (404) for a name that is not in the list, Error for a model that cannot be loaded.
  std::shared_ptr<OpenModel> open(const std::string& name, Progress& progress);

 private:
  std::shared_ptr<OpenModel> find_open(const std::string& name);

  std::string default_model_;
  std::vector<std::filesystem::path> folders_;
  int threads_;
  std::mutex loading_;  // held while a model loads
  mutable std::mutex mutex_;
  std::list<std::shared_ptr<OpenModel>> open_;  // most recently used first
};

}  // namespace stratoscope::server
