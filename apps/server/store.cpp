#include "apps/server/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "stratoscope/base/folder.h"

namespace stratoscope::server {
namespace {

// Migration i leads from schema version i to i + 1. Migrations are never changed, only added.
constexpr std::array<const char*, 1> kMigrations = {
    "CREATE TABLE experiment ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  created TEXT NOT NULL,"
    "  note TEXT NOT NULL,"
    "  text TEXT NOT NULL,"
    "  model TEXT NOT NULL,"
    "  model_hash TEXT NOT NULL,"
    "  document TEXT NOT NULL)"};
constexpr int kBusyTimeout = 5000;  // milliseconds, while another process writes
constexpr int kBusyRetry = 20;      // milliseconds between attempts
constexpr const char* kWhere = "experiments";

// Creates the file and missing folders of its path, for this user alone. Returns the path without symbolic links.
std::filesystem::path prepare_file(const std::filesystem::path& file) {
  namespace fs = std::filesystem;
  constexpr mode_t kPrivateFolder = 0700, kPrivateFile = 0600;
  std::error_code failed;
  fs::path folder_path;
  for (const fs::path& part : fs::absolute(file.parent_path(), failed)) {
    folder_path /= part;
    ::mkdir(folder_path.c_str(), kPrivateFolder);
  }
  const auto folder = Folder::open(folder_path);
  if (!folder) throw HttpError(503, kWhere, folder_path.string() + ": cannot be opened: " + std::strerror(errno));
  const std::string name = file.filename().string();
  for (const char* ending : {"", "-wal", "-shm", "-journal"})
    if (folder->kind(name + ending) == Folder::Kind::link)
      throw HttpError(503, kWhere, file.string() + ending + ": is a symbolic link, which is not followed",
                      "put the file here, or use --data FOLDER, which may be a symbolic link");
  const int descriptor = folder->open_file(name, O_RDWR | O_CREAT, kPrivateFile);
  if (descriptor < 0 && errno == EINVAL) throw HttpError(503, kWhere, file.string() + ": is not a regular file");
  if (descriptor < 0) throw HttpError(503, kWhere, file.string() + ": cannot be opened: " + std::strerror(errno));
  ::close(descriptor);
  return fs::canonical(folder_path, failed) / name;
}

class Busy : public HttpError {
 public:
  explicit Busy(const std::string& file)
      : HttpError(503, kWhere, file + ": another process has locked it", "try again") {}
};

std::string pattern_of(const std::string& search) {
  std::string pattern = "%";
  for (const char c : search) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

}  // namespace

// Rolled back unless committed.
class Store::Transaction {
 public:
  explicit Transaction(Store& store) : store_(store) { store.execute("BEGIN IMMEDIATE"); }
  ~Transaction() {
    if (!committed_) ::sqlite3_exec(store_.database_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() {
    store_.execute("COMMIT");
    committed_ = true;
  }

 private:
  Store& store_;
  bool committed_ = false;
};

class Store::Statement {
 public:
  Statement(const Store& store, const char* sql) : store_(store) {
    const int status = ::sqlite3_prepare_v2(store.database_, sql, -1, &statement_, nullptr);
    if (status != SQLITE_OK) store.fail(status);
  }
  ~Statement() { ::sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(const std::string& text) {
    const int status =
        ::sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    if (status != SQLITE_OK) store_.fail(status);
    return *this;
  }
  Statement& bind(long number) {
    const int status = ::sqlite3_bind_int64(statement_, ++bound_, number);
    if (status != SQLITE_OK) store_.fail(status);
    return *this;
  }
  // True while there is a row.
  bool step() {
    const int status = ::sqlite3_step(statement_);
    if (status != SQLITE_ROW && status != SQLITE_DONE) store_.fail(status);
    return status == SQLITE_ROW;
  }
  long number(int column) const { return static_cast<long>(::sqlite3_column_int64(statement_, column)); }
  std::string text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(::sqlite3_column_text(statement_, column));
    return bytes == nullptr ? std::string()
                            : std::string(bytes, static_cast<std::size_t>(::sqlite3_column_bytes(statement_, column)));
  }
  ExperimentSummary summary() const { return {number(0), text(1), text(2), text(3), text(4), text(5)}; }

 private:
  const Store& store_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

Store::Store(const std::filesystem::path& file) : file_(file) {
  const std::filesystem::path path = prepare_file(file);
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW;
  const int status = ::sqlite3_open_v2(path.c_str(), &database_, kFlags, nullptr);
  try {
    if (status != SQLITE_OK) fail(status);
    ::sqlite3_busy_timeout(database_, kBusyTimeout);
    migrate();
    ::sqlite3_busy_timeout(database_, kBusyRetry);  // write() repeats, and releases the lock between attempts
    Statement mode(*this, "PRAGMA journal_mode");   // some file systems have no WAL
    if (mode.step() && mode.text(0) == "wal") wal_ = path.string() + "-wal";
  } catch (...) {
    ::sqlite3_close(database_);
    throw;
  }
}

Store::~Store() { ::sqlite3_close(database_); }

void Store::fail(int status) const {
  const std::string where = kWhere, name = file_.string();
  switch (status & 0xFF) {
    case SQLITE_FULL: throw HttpError(507, where, name + ": the disk is full", "earlier saves are intact");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: throw Busy(name);
    case SQLITE_INTERRUPT: throw HttpError(503, where, "the search took too long", "search for less");
    case SQLITE_NOTADB:
      throw HttpError(503, where, name + ": is not a database", "move it away and a new one is created");
    case SQLITE_CORRUPT:
      throw HttpError(503, where, name + ": is damaged", "move it away (sqlite3's .recover may save what is in it)");
    default: throw HttpError(503, where, name + ": " + ::sqlite3_errmsg(database_));
  }
}

// SQLite goes on with a deleted file, whose content is lost when the process ends.
void Store::check_file_in_place() const {
  int moved = 0;
  ::sqlite3_file_control(database_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (moved == 0 && (wal_.empty() || ::access(wal_.c_str(), F_OK) == 0)) return;
  throw HttpError(503, kWhere, file_.string() + ": was deleted, moved or replaced while it was in use",
                  "nothing is saved now: put it back, or start the server again");
}

void Store::execute(const char* sql) {
  const int status = ::sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) fail(status);
}

void Store::migrate() {
  const auto version = [this] {
    Statement query(*this, "PRAGMA user_version");
    query.step();
    return query.number(0);
  };
  const auto newest = static_cast<long>(kMigrations.size());
  if (version() > newest)
    throw HttpError(503, kWhere, file_.string() + ": was written by a newer version of Stratoscope",
                    "update this one, or serve with --data another folder");
  {
    Statement check(*this, "PRAGMA quick_check(1)");
    if (!check.step() || check.text(0) != "ok") fail(SQLITE_CORRUPT);
  }
  enable_wal();
  execute("PRAGMA synchronous = FULL");
  Transaction transaction(*this);  // another process may migrate at the same time
  for (long from = version(); from < newest; ++from) {
    execute(kMigrations[static_cast<std::size_t>(from)]);
    execute(("PRAGMA user_version = " + std::to_string(from + 1)).c_str());
  }
  transaction.commit();
}

// SQLite does not wait by itself when two processes open a new file at once.
void Store::enable_wal() {
  for (int waited = 0;; waited += kBusyRetry) {
    const int status = ::sqlite3_exec(database_, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    if (status == SQLITE_OK) return;
    if ((status & 0xFF) != SQLITE_BUSY || waited >= kBusyTimeout) fail(status);
    ::sqlite3_sleep(kBusyRetry);
  }
}

long Store::save(const SavedExperiment& experiment, const ShouldContinue& should_continue) {
  long id = 0;
  write(should_continue, [&] {
    Statement count(*this, "SELECT count(*) FROM experiment");
    count.step();
    if (count.number(0) >= static_cast<long>(kExperiments))
      throw HttpError(409, kWhere, "the limit of " + std::to_string(kExperiments) + " saved experiments is reached",
                      "delete some");
    const ExperimentSummary& summary = experiment.summary;
    Statement insert(*this,
                     "INSERT INTO experiment (created, note, text, model, model_hash, document) "
                     "VALUES (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?, ?, ?, ?, ?)");
    insert.bind(summary.note).bind(summary.text).bind(summary.model).bind(summary.model_hash).bind(experiment.document);
    insert.step();
    id = static_cast<long>(::sqlite3_last_insert_rowid(database_));
  });
  return id;
}

// Runs `steps` in one transaction, repeated while another process writes. Between attempts other threads of this
// process may read.
void Store::write(const ShouldContinue& should_continue, const std::function<void()>& steps) {
  for (int waited = 0;; waited += kBusyRetry) {
    {
      const std::lock_guard lock(mutex_);
      check_file_in_place();
      const bool is_last = waited >= kBusyTimeout || (should_continue && !should_continue());
      try {
        Transaction transaction(*this);
        steps();
        transaction.commit();
        return check_file_in_place();
      } catch (const Busy&) {
        if (is_last) throw;
      }
    }
    ::sqlite3_sleep(kBusyRetry);
  }
}

bool Store::set_note(long id, const std::string& note, const ShouldContinue& should_continue) {
  bool found = false;
  write(should_continue, [&] {
    Statement(*this, "UPDATE experiment SET note = ? WHERE id = ?").bind(note).bind(id).step();
    found = ::sqlite3_changes(database_) > 0;
  });
  return found;
}

bool Store::remove(long id, const ShouldContinue& should_continue) {
  bool found = false;
  write(should_continue, [&] {
    Statement(*this, "DELETE FROM experiment WHERE id = ?").bind(id).step();
    found = ::sqlite3_changes(database_) > 0;
  });
  return found;
}

// While it lives, statements end with SQLITE_INTERRUPT after a time limit or when `should_continue` returns false.
class Store::QueryLimit {
 public:
  QueryLimit(sqlite3* database, const ShouldContinue& should_continue)
      : database_(database), should_continue_(should_continue) {
    constexpr int kInstructions = 100;  // between calls: a row of long texts takes milliseconds
    const auto callback = [](void* limit) { return static_cast<QueryLimit*>(limit)->allows() ? 0 : 1; };
    ::sqlite3_progress_handler(database, kInstructions, callback, this);
  }
  ~QueryLimit() { ::sqlite3_progress_handler(database_, 0, nullptr, nullptr); }
  QueryLimit(const QueryLimit&) = delete;
  QueryLimit& operator=(const QueryLimit&) = delete;

 private:
  bool allows() const { return std::chrono::steady_clock::now() < until_ && (!should_continue_ || should_continue_()); }

  sqlite3* database_;
  const ShouldContinue& should_continue_;
  std::chrono::steady_clock::time_point until_ =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyTimeout);
};

std::optional<SavedExperiment> Store::find(long id) {
  const std::lock_guard lock(mutex_);
  check_file_in_place();
  Statement query(*this, "SELECT id, created, note, text, model, model_hash, document FROM experiment WHERE id = ?");
  if (!query.bind(id).step()) return std::nullopt;
  return SavedExperiment{query.summary(), query.text(6)};
}

std::vector<ExperimentSummary> Store::list(const std::string& search, long before, std::size_t limit,
                                           const ShouldContinue& should_continue) {
  if (search.size() > kSearchBytes)
    throw HttpError(400, kWhere, "the search is longer than the limit of " + std::to_string(kSearchBytes) + " bytes");
  const std::lock_guard lock(mutex_);
  check_file_in_place();
  const QueryLimit query_limit(database_, should_continue);
  Statement query(*this,
                  "SELECT id, created, note, substr(text, 1, 300), model, model_hash FROM experiment "
                  "WHERE (?1 = 0 OR id < ?1) AND (note LIKE ?2 ESCAPE '\\' OR text LIKE ?2 ESCAPE '\\' "
                  "OR model LIKE ?2 ESCAPE '\\') ORDER BY id DESC LIMIT ?3");
  const std::string pattern = pattern_of(search);
  query.bind(before).bind(pattern).bind(static_cast<long>(limit));
  std::vector<ExperimentSummary> found;
  while (query.step()) found.push_back(query.summary());
  return found;
}

std::filesystem::path default_store_file() {
  const auto absolute = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && value[0] == '/' ? std::filesystem::path(value) : std::filesystem::path();
  };
  if (const auto data = absolute("XDG_DATA_HOME"); !data.empty()) return data / "stratoscope" / "experiments.db";
  if (const auto home = absolute("HOME"); !home.empty())
    return home / ".local" / "share" / "stratoscope" / "experiments.db";
  throw HttpError(503, kWhere, "there is no folder for saved experiments, because $HOME is not set",
                  "name one with --data");
}

}  // namespace stratoscope::server
