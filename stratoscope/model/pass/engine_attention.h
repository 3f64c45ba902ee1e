// Causal attention of all heads over concatenated sequences.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/families/model_config.h"
#include "stratoscope/model/pass/hooks.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// The queries of one sequence in a run, and the keys and values that they see: those of `past` positions before them,
// then their own.
struct AttendedSequence {
  std::size_t first_row = 0, rows = 0, past = 0;
  MatrixView<const float> k, v;  // [past + rows, kv_heads * d_head]
};

// q and z are [N, heads * d_head], heads side by side. Row r of a sequence sees its past and that sequence's rows up to
// itself. Fires attn.hook_attn_scores and attn.hook_pattern of block `layer`.
void causal_attention(MatrixView<const float> q, const std::vector<AttendedSequence>& sequences,
                      const AttentionSpec& spec, std::size_t layer, Hooks<float>& hooks, MatrixView<float> z);

}  // namespace stratoscope
