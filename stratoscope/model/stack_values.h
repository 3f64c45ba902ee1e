// What a block computes for the rows of a stack.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/model/stack.h"
#include "stratoscope/ops/attention.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// One row of memory for each row of the stack; a value that a row does not have, because it joins later or leaves
// before, is undefined.
struct StackValues {
  StackValues(const ModelConfig& config, std::size_t rows);

  Tensor resid_pre;   // [N, d_model]
  Tensor scale;       // [N, 1] divisor of a layer norm
  Tensor normalized;  // [N, d_model] before the norm's weight and bias
  Tensor normed;      // [N, d_model] after them
  Tensor qkv;         // [N, 3 d_model]
  Tensor z;           // [N, d_model]
  Tensor attn_out;    // [N, d_model]
  Tensor resid_mid;   // [N, d_model]
  Tensor mlp;         // [N, d_mlp] before, then after the activation
  Tensor mlp_out;     // [N, d_model]
  Tensor resid_post;  // [N, d_model]
};

// The clean runs of all texts in one block: what cells take the rows from that they do not change.
struct CleanBlock {
  CleanBlock(const ModelConfig& config, Stack clean, bool keeps_mlp_pre);

  Stack stack;  // one member a text
  StackValues values;
  Tensor mlp_pre;  // [N, d_mlp], where cells edit it
  // Of text t and head h at [t * n_heads + h].
  std::vector<HeadKeysValues> keys_values;

  std::size_t place_of(std::size_t text, std::size_t position) const { return *stack.place_of(text, position); }
};

}  // namespace stratoscope
