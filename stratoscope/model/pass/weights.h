// The engine's weights: matrices packed for the processor, vectors in float32, block by block.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "stratoscope/base/progress.h"
#include "stratoscope/hub/checkpoint.h"
#include "stratoscope/model/precision.h"
#include "stratoscope/ops/matmul.h"

namespace stratoscope {

// As long as the rows that the norm works on; empty for numbers that are all 1 or 0.
struct NormWeights {
  Tensor weight, bias;
};

struct BlockWeights {
  NormWeights ln1, q_norm, k_norm, ln1_post, ln2, ln2_post;
  PackedMatrix qkv;     // [d_model, queries + 2 keys]: q, k and v side by side
  PackedMatrix o;       // W_O of all heads, one below the other, [heads * d_head, d_model]
  PackedMatrix mlp_in;  // [d_model, width]; gated: the gate and the other branch side by side
  PackedMatrix down;    // [width, d_model]
};

struct Weights {
  std::vector<BlockWeights> blocks;
  NormWeights embed_norm, ln_final;
  PackedMatrix unembed;             // [d_model, d_vocab]
  bool matrices_are_finite = true;  // as stored

  std::size_t bytes() const;
};

// Empty for fp64, whose path packs nothing.
std::optional<Arithmetic> arithmetic_of(Precision precision);

// Reads and packs everything except the embeddings, whose rows are read when a token needs them.
Weights load_weights(const Checkpoint& checkpoint, const ModelConfig& config, Arithmetic arithmetic,
                     Progress* progress);

}  // namespace stratoscope
