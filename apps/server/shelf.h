// The models that requests may name, and those that are open. A model is loaded in the thread that asks first; the
// engine goes on serving the others meanwhile.
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

// Hands on to whoever works with the model at the moment.
class SessionProgress : public Progress {
 public:
  // Returns the one before.
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

// A loaded model with the texts that are open in it. Only the queue's thread uses the texts.
class OpenModel {
 public:
  // Loads the weights. Throws Error.
  OpenModel(std::string name, const std::string& name_or_folder, int threads, Progress& progress);

  const std::string& name() const { return name_; }
  const Session& session() const { return session_; }
  SessionProgress& progress() { return *progress_; }
  // The text with its edits, from memory where it was open before. Old ones make room.
  OpenText& text(const std::string& text, const TextOptions& options, const Edits& edits);

 private:
  std::string name_;
  std::unique_ptr<SessionProgress> progress_;
  Session session_;
  struct Kept {
    std::string text;
    AddedTokens added;
    std::unique_ptr<OpenText> open;
  };
  std::list<Kept> texts_;  // the last used first
};

class Shelf {
 public:
  // `folders` are models in Hugging Face layout, or hold some, beside those that `stratoscope models` lists. The first
  // one asked for is `first`: a name, or one of the folders.
  Shelf(std::string first, const std::vector<std::filesystem::path>& folders, int threads);

  const std::string& first() const { return first_; }
  std::vector<ListedModel> list() const;
  bool is_open(const std::string& name) const;
  // Throws Refusal (404) for a name that is not in the list, Error for a model that does not load.
  std::shared_ptr<OpenModel> open(const std::string& name, Progress& progress);

 private:
  std::shared_ptr<OpenModel> find_open(const std::string& name);

  std::string first_;
  std::vector<std::filesystem::path> folders_;
  int threads_;
  std::mutex loading_;  // one at a time
  mutable std::mutex mutex_;
  std::list<std::shared_ptr<OpenModel>> open_;  // the last used first
};

}  // namespace stratoscope::server
