// Choosing the next token from its logits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

struct SamplingOptions {
  double temperature = 0;  // 0: the most likely token, ties by lower id; else logits are divided by it
  std::size_t top_k = 0;   // keep the k most likely tokens; 0: all
  double top_p = 1;        // then keep the fewest of them whose probabilities sum to at least this
  std::uint64_t seed = 0;  // the same seed and logits choose the same tokens on every machine
};

class Sampler {
 public:
  // Throws Error for a temperature below 0 or not finite, and a top_p outside of (0, 1].
  explicit Sampler(const SamplingOptions& options);

  // Throws Error if all logits are NaN or -inf.
  template <class T>
  std::int32_t next(std::span<const T> logits);

 private:
  double uniform();  // in [0, 1)

  SamplingOptions options_;
  std::mt19937_64 random_;
};

}  // namespace stratoscope
