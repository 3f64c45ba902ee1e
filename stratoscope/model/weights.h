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

struct NormWeights {
  Tensor weight, bias;  // [d_model]
};

struct BlockWeights {
  NormWeights ln1, ln2;
  PackedMatrix qkv;       // [d_model, 3 d_model]: q, k and v side by side
  PackedMatrix attn_out;  // W_O of all heads below one another, [n_heads * d_head, d_model]
  PackedMatrix mlp_in;    // [d_model, d_mlp]
  PackedMatrix mlp_out;   // [d_mlp, d_model]
};

struct Weights {
  std::vector<BlockWeights> blocks;
  NormWeights ln_final;
  PackedMatrix unembed;  // [d_model, d_vocab]

  std::size_t bytes() const;
};

// None for fp64, whose path packs nothing.
std::optional<Arithmetic> arithmetic_of(Precision precision);

// Reads and packs everything but the embeddings, whose rows are read when a token needs them.
Weights load_weights(const Checkpoint& checkpoint, const ModelConfig& config, Arithmetic arithmetic,
                     Progress* progress);

}  // namespace stratoscope
