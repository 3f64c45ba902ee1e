// The results of a long job so far, in a file from which another process can resume it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace stratoscope {

// The job in errors, and the results that it keeps.
struct JournalKind {
  const char* job;    // "sweep", which is also the first key of a description
  const char* entry;  // "a grid point"
  std::size_t least;  // numbers of each entry
};

// One JSON value per line: first a description of the job, then [i, j, numbers …] for every finished part (i, j), in
// any order; null for a number that is not finite. An incomplete last line (after kill -9) is ignored.
class Journal {
 public:
  // `description` is one line of JSON with everything that the results depend on. Reads an existing file or creates it;
  // Use::read never writes, waits or creates. Throws Error for the journal of another job, with the first difference,
  // and while another process writes it.
  enum class Use { read, write };
  Journal(std::filesystem::path path, JournalKind kind, const std::string& description, Use use);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // nullptr for an unfinished part.
  const std::vector<double>* known(std::size_t i, std::size_t j) const;
  std::size_t size() const { return known_.size(); }
  // Adds a finished part. Throws Error if it cannot be written.
  void add(std::size_t i, std::size_t j, std::span<const double> numbers);

 private:
  void open();
  void read(const std::string& text, const std::string& description);
  void write(const std::string& line);
  [[noreturn]] void fail(const std::string& problem, const std::string& hint = {}) const;
  [[noreturn]] void fail_to(const char* action) const;

  std::filesystem::path path_;
  JournalKind kind_;
  int descriptor_ = -1;
  std::map<std::pair<std::size_t, std::size_t>, std::vector<double>> known_;
};

}  // namespace stratoscope
