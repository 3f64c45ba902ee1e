// Saved experiments, in SQLite. An experiment is on the disk when save() returns; a crash loses at most the save in
// progress.
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
  std::string document;  // JSON: the experiment and its result
};

class Store {
 public:
  // Opens or creates the file, and creates missing folders, with permissions for this user alone; migrates an older
  // schema. Throws HttpError (503), and leaves the file unchanged, for a newer schema, a damaged or other file, a
  // symbolic link, and a file that cannot be opened.
  explicit Store(const std::filesystem::path& file);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Returns false to give up; called repeatedly during long waits and searches.
  using ShouldContinue = std::function<bool()>;

  // Each throws HttpError: 507 for a full disk; 503 when another process locks the database for seconds, when the file
  // was deleted, moved or replaced, and when `should_continue` returns false; 409 over the limit of experiments.
  long save(const SavedExperiment& experiment, const ShouldContinue& should_continue = {});
  bool set_note(long id, const std::string& note, const ShouldContinue& should_continue = {});
  bool remove(long id, const ShouldContinue& should_continue = {});
  std::optional<SavedExperiment> find(long id);
  // Newest first, at most `limit`, with the first 300 characters of their texts. `search` is looked for in note, text
  // and model; a `before` other than 0 selects lower ids. Throws HttpError: 400 for a long search, 503 for a slow one.
  std::vector<ExperimentSummary> list(const std::string& search, long before, std::size_t limit,
                                      const ShouldContinue& should_continue = {});

 private:
  class Statement;
  class Transaction;
  class QueryLimit;
  [[noreturn]] void fail(int status) const;
  void execute(const char* sql);
  void migrate();
  void enable_wal();
  void write(const ShouldContinue& should_continue, const std::function<void()>& steps);
  void check_file_in_place() const;

  std::filesystem::path file_;
  std::string wal_;  // SQLite's write-ahead log; empty for file systems without it
  sqlite3* database_ = nullptr;
  std::mutex mutex_;
};

// $XDG_DATA_HOME/stratoscope/experiments.db, or in ~/.local/share; relative paths are ignored. Throws HttpError (503)
// where neither is set.
std::filesystem::path default_store_file();

}  // namespace stratoscope::server
