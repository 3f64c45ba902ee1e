// Several bars below each other, one line a file: how much has arrived, how fast it comes, how long it will take.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "stratoscope/base/progress.h"

namespace stratoscope::cli {

class TransferBars {
 public:
  using Clock = std::chrono::steady_clock;

  // The text that puts the parts in the place of those drawn before, for a terminal of this size. Parts that are
  // complete share a line.
  std::string draw(std::span<const ProgressPart> parts, Clock::time_point now, std::size_t columns, std::size_t rows);
  // The text that takes them away.
  std::string clear();

 private:
  struct Rate {
    Clock::time_point since;
    std::size_t done = 0;
    double bytes_per_second = 0;
  };
  double rate_of(std::size_t part, std::size_t done, Clock::time_point now);

  std::map<std::size_t, Rate> rates_;  // by the part's number
  std::size_t lines_ = 0;              // on the terminal
};

}  // namespace stratoscope::cli
