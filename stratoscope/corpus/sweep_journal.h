// The journal of a sweep: the value, the effect and the further measures of each grid point of each prompt.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "stratoscope/corpus/journal.h"
#include "stratoscope/probe/sweep.h"

namespace stratoscope {

class SweepJournal {
 public:
  using Use = Journal::Use;
  SweepJournal(std::filesystem::path path, const std::string& description, Use use);

  std::optional<GridValue> known(std::size_t prompt, std::size_t point) const;
  std::size_t size() const { return journal_.size(); }
  void add(std::size_t prompt, std::size_t point, const GridValue& result);

 private:
  Journal journal_;
};

}  // namespace stratoscope
