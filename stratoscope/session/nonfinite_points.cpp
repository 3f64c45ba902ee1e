#include "stratoscope/session/nonfinite_points.h"

#include <cmath>

namespace stratoscope {

bool NonfinitePoints::is_one(const Effect& effect) {
  return !std::isfinite(effect.kl) || !std::isfinite(effect.max_change);
}

void NonfinitePoints::warn(const std::string& what, std::vector<std::string>& warnings) const {
  if (count_ == 0) return;
  std::string text =
      std::to_string(count_) + " of " + std::to_string(all_) + " " + what + " gave logits that are not finite: ";
  for (std::size_t i = 0; i < shown_.size(); ++i) text += (i == 0 ? "" : "; ") + shown_[i];
  if (count_ > shown_.size()) text += "; …";
  if (first_) text += "; the first of them at " + describe(*first_);
  warnings.push_back(text);
}

}  // namespace stratoscope
