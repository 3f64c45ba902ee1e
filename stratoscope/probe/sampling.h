// Choosing the next token from its logits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

struct SamplingOptions {
  double temperature = 0;  // 0: always the likeliest token, ties by lower id. Otherwise logits are divided by it.
  std::size_t top_k = 0;   // keep the k likeliest tokens; 0: all
  double top_p = 1;        // of those, the fewest whose probabilities sum to at least this
  std::uint64_t seed = 0;  // the same seed and logits choose the same tokens on every machine
};

class Sampler {
 public:
  // Throws Error for a temperature below 0 or not finite, and a top_p outside of (0, 1].
  explicit Sampler(const SamplingOptions& options);

  // Throws Error where no logit is a number to choose by.
  template <class T>
  std::int32_t next(std::span<const T> logits);

 private:
  double uniform();  // in [0, 1)

  SamplingOptions options_;
  std::mt19937_64 random_;
};

}  // namespace stratoscope
