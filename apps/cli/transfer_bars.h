// Several bars, one line for each file: the size received, the rate, and the remaining time.
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

  // The text that replaces the bars drawn before, for a terminal of this size. Complete parts share a line.
  std::string draw(std::span<const ProgressPart> parts, Clock::time_point now, std::size_t columns, std::size_t rows);
  // The text that removes the bars.
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
