// attn.hook_result: each head's part of attn_out, z_h W_O[h], which the engine computes only on request.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "stratoscope/hub/checkpoint.h"
#include "stratoscope/ops/matmul.h"

namespace stratoscope {

// W_O of one block, head by head. A row's results have the same bits whatever the other rows are.
class HeadResults {
 public:
  HeadResults(const Checkpoint& checkpoint, const ModelConfig& config, std::size_t layer);

  // z is [N, n_heads * d_head]; returns [N, n_heads * d_model].
  Tensor of(MatrixView<const float> z) const;
  // One row of attn_out from its results: the bias, then head after head.
  void sum(std::span<const float> results, float* attn_out) const;

 private:
  std::size_t d_head_, d_model_;
  std::vector<PackedMatrix> heads_;
  Tensor bias_;
};

}  // namespace stratoscope
