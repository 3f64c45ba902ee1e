// Saved experiments, in SQLite. A save is on the disk when save() returns; a kill at any time loses at most the save
// under way.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

struct sqlite3;

namespace stratoscope::server {

struct ExperimentSummary {
  long id = 0;
  std::string created;  // "2026-01-31T12:00:00Z"
  std::string note, text, model, model_hash;
};

struct SavedExperiment {
  ExperimentSummary summary;
  std::string document;  // JSON: what to run, what it gave
};

class Store {
 public:
  // Opens or makes the file, for this user alone as are the folders that are made for it, and brings an older schema up
  // to date. Throws Refusal (503) for a file of a newer version, one that is no database or is damaged, a link, and one
  // that cannot be opened; the file is left as it is then.
  explicit Store(const std::filesystem::path& file);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Whether the work goes on: asked now and then, while others wait too.
  using Wanted = std::function<bool()>;

  // Each throws Refusal: 507 for a full disk, 503 where another process holds the database for seconds, when the file
  // was deleted, moved or replaced meanwhile, and when the work is not wanted any more; 409 beyond the limit.
  long save(const SavedExperiment& experiment, const Wanted& is_wanted = {});
  bool set_note(long id, const std::string& note, const Wanted& is_wanted = {});
  bool remove(long id, const Wanted& is_wanted = {});
  std::optional<SavedExperiment> find(long id);
  // The newest first, with the beginnings of their texts; `search` in note, text or model; those older than `before`
  // where it is not 0. Throws Refusal (400) for a search that is too long, 503 for one that takes seconds.
  std::vector<ExperimentSummary> list(const std::string& search, long before, std::size_t most,
                                      const Wanted& is_wanted = {});

 private:
  class Statement;
  class Transaction;
  class Search;
  [[noreturn]] void fail(int status) const;
  void execute(const char* sql);
  void migrate();
  void become_wal();
  void change(const Wanted& is_wanted, const std::function<void()>& steps);
  void check_that_it_is_there() const;

  std::filesystem::path file_;
  std::string wal_;  // the file beside it that holds the newest saves; empty where there is none
  sqlite3* database_ = nullptr;
  std::mutex mutex_;
};

// $XDG_DATA_HOME/stratoscope/experiments.db, or in ~/.local/share; a relative path counts as none. Throws Refusal where
// neither is set.
std::filesystem::path default_store_file();

}  // namespace stratoscope::server
