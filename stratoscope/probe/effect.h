// The size of an edit's effect on a prediction. Every edited result reports it, so that an edit without effect is
// noticed.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/metrics.h"
#include "stratoscope/probe/nonfinite.h"

namespace STRATOSCOPE_API stratoscope {

struct Effect {
  double kl = 0;          // the largest KL(clean || edited) over the positions read, in nats
  double max_change = 0;  // the largest change of any logit there
  // The place of the first NaN or infinity that the edits cause, anywhere in the pass.
  std::optional<NonfinitePlace> nonfinite = {};
  // Edits that may match several hook points, with their matches.
  std::vector<GlobMatch> globs = {};

  // Adds another position. A NaN in the edited logits makes both NaN.
  template <class T>
  void include(std::span<const T> clean, std::span<const T> edited) {
    double change = 0;
    for (std::size_t i = 0; i < clean.size(); ++i)
      change = larger(change, std::abs(static_cast<double>(edited[i]) - static_cast<double>(clean[i])));
    include(kl_divergence(log_softmax(clean), log_softmax(edited)), change);
  }
  void include(double other_kl, double other_change) {
    kl = larger(kl, other_kl);
    max_change = larger(max_change, other_change);
  }
  void include(const Effect& other) {
    kl = std::isnan(other.kl) ? other.kl : std::max(kl, other.kl);
    max_change = std::isnan(other.max_change) ? other.max_change : std::max(max_change, other.max_change);
    if (!nonfinite) nonfinite = other.nonfinite;
    if (globs.empty()) globs = other.globs;
  }

 private:
  static double larger(double a, double b) { return std::isnan(a) || std::isnan(b) ? a + b : std::max(a, b); }
};

}  // namespace stratoscope
