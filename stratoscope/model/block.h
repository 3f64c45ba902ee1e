// One transformer block of the engine. block.cpp is the screen on which every hook point of a block is visible.
#pragma once

#include <cstddef>
#include <span>

#include "stratoscope/model/hooks.h"
#include "stratoscope/model/weights.h"

namespace stratoscope {

// What a forward pass writes into: one set of buffers for all blocks, N rows each.
struct Scratch {
  Scratch(const ModelConfig& config, std::size_t rows);

  Tensor scale;       // [N, 1] divisor of a layer norm
  Tensor normalized;  // [N, d_model] before the norm's weight and bias
  Tensor normed;      // [N, d_model] after them: what the products read
  Tensor qkv;         // [N, 3 d_model]
  Tensor z;           // [N, d_model] heads side by side
  Tensor attn_out;    // [N, d_model]
  Tensor resid_mid;   // [N, d_model]
  Tensor mlp;         // [N, d_mlp] before, then after the activation
  Tensor mlp_out;     // [N, d_model]
};

// What the block needs to know of the model around it.
struct BlockContext {
  const ModelConfig& config;
  const Checkpoint& checkpoint;
  std::span<const std::size_t> row_offsets;
  KvCache* cache = nullptr;  // of the positions before these rows
};

struct NormPoints {
  HookPoint scale, normalized;
};

// normed = the layer norm of x, [N, d_model] both; its hook points fire, and an edited scale is the divisor.
void run_norm(MatrixView<const float> x, const ModelConfig& config, const NormWeights& weights, NormPoints points,
              Scratch& scratch, MatrixView<float> normed, Hooks<float>& hooks);

// Reads the residual stream `resid_pre` [N, d_model] (edits may rewrite it in place) and writes `resid_post`.
void run_block(const BlockContext& context, const BlockWeights& weights, std::size_t layer, MatrixView<float> resid_pre,
               MatrixView<float> resid_post, Scratch& scratch, Hooks<float>& hooks);

}  // namespace stratoscope
