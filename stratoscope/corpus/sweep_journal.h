// What a long sweep has done so far, in a file that another run goes on with.
#pragma once

#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "stratoscope/probe/sweep.h"

namespace stratoscope {

// One JSON value a line: first what is being done, then [prompt, grid point, value, kl, max_change] for every grid
// point, in any order; a number that is not finite is null. A last line that is cut (kill -9) counts as not written.
class SweepJournal {
 public:
  // `description` is one line of JSON that says everything on which the results depend. Reads what the file holds, or
  // begins it; for Use::read nothing is written, waited for or made. Throws Error where it belongs to something else,
  // naming the first difference, and where another process writes it.
  enum class Use { read, write };
  SweepJournal(std::filesystem::path path, const std::string& description, Use use);
  ~SweepJournal();
  SweepJournal(const SweepJournal&) = delete;
  SweepJournal& operator=(const SweepJournal&) = delete;

  std::optional<GridValue> known(std::size_t prompt, std::size_t point) const;
  std::size_t size() const { return known_.size(); }
  // Adds a grid point. Throws Error when it cannot be written.
  void add(std::size_t prompt, std::size_t point, const GridValue& result);

 private:
  void open();
  void read(const std::string& text, const std::string& description);
  void write(const std::string& line);

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::map<std::pair<std::size_t, std::size_t>, GridValue> known_;
};

}  // namespace stratoscope
