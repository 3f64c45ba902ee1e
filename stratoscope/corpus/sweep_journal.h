// The results of a long sweep so far, in a file from which another process can resume it.
#pragma once

#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "stratoscope/probe/sweep.h"

namespace stratoscope {

// One JSON value per line: first a description of the sweep, then [prompt, grid point, value, kl, max_change, the
// further measures …] for every grid point, in any order; null for a number that is not finite. An incomplete last line
// (after kill -9) is ignored.
class SweepJournal {
 public:
  // `description` is one line of JSON with everything that the results depend on. Reads an existing file or creates it;
  // Use::read never writes, waits or creates. Throws Error for the journal of another sweep, with the first difference,
  // and while another process writes it.
  enum class Use { read, write };
  SweepJournal(std::filesystem::path path, const std::string& description, Use use);
  ~SweepJournal();
  SweepJournal(const SweepJournal&) = delete;
  SweepJournal& operator=(const SweepJournal&) = delete;

  std::optional<GridValue> known(std::size_t prompt, std::size_t point) const;
  std::size_t size() const { return known_.size(); }
  // Adds a grid point. Throws Error if it cannot be written.
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
