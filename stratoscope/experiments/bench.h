// How fast this machine runs this model, timed in process: medians after a warm-up.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"

namespace STRATOSCOPE_API stratoscope {

struct TimingRequest {
  std::vector<std::size_t> tokens = {};  // lengths of the prompts
  std::size_t repeat = 5;
};

struct TimedRun {
  std::size_t tokens = 0;
  double forward_s = 0;  // all hidden states and all logits
  double prompt_s = 0;   // last-position logits only
  double gflops = 0;     // of the forward pass: floating-point operations (the causal half of attention) a second / 1e9
  double sweep_s = 0;    // the third demonstration's sweep over all blocks
};

struct Timing {
  int threads = 0;
  double load_s = 0;
  std::size_t resident_bytes = 0;
  double peak_gflops = 0;          // the largest matrix product of the model with 1,024 rows
  double multiply_add_gflops = 0;  // the processor's limit: fused multiply-adds on float32 registers, all threads
  std::optional<double> bfloat16_gflops;  // the same for bfloat16 products, if the processor has them
  double stream_bytes_per_s = 0;          // the memory's limit: bytes read in sequence, all threads
  std::vector<TimedRun> runs;
};

// Throws Error for a length that the model does not have, and for fp64, which is for verification and not for speed.
Timing bench(const Session& session, const TimingRequest& request);
Document to_json(const Session& session, const Timing& timing);
Figure figure_of(const Timing& timing);

// Floating-point operations of a forward pass with all logits: two for each weight of a product and row, and for the
// scores and weighted sums of attention over the keys that each query sees.
double forward_operations(const ModelConfig& config, std::size_t tokens);

// GFLOP/s of the model's largest matrix product with 1,024 rows: the median of `repeat` after a warm-up.
double matrix_peak_gflops(const ModelConfig& config, Precision precision, std::size_t repeat,
                          const Progress* progress = nullptr);

}  // namespace stratoscope
