// Warnings of grid points whose results are not finite.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "stratoscope/probe/effect.h"

namespace stratoscope {

// Counts the grid points, and stores the places of the first few.
class NonfinitePoints {
 public:
  static bool is_one(const Effect& effect);

  // `place` returns the point's name: "layer 3, position 4".
  template <class Place>
  void look_at(const Effect& effect, const Place& place) {
    ++all_;
    if (is_one(effect)) {
      if (++count_ <= kShown) shown_.push_back(place());
      if (!first_ && effect.nonfinite) first_ = effect.nonfinite;
    }
  }
  // Appends a sentence if there are any; `what` names the points: "grid points".
  void warn(const std::string& what, std::vector<std::string>& warnings) const;

 private:
  static constexpr std::size_t kShown = 3;
  std::size_t all_ = 0, count_ = 0;
  std::vector<std::string> shown_;
  std::optional<NonfinitePlace> first_;
};

}  // namespace stratoscope
