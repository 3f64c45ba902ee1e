// The widths of a block's values, and the cost of its products, from the description.
#pragma once

#include <algorithm>
#include <cstddef>

#include "stratoscope/families/model_config.h"

namespace stratoscope {

// Count of numbers that a pass stores for one row in the block (float_pass.h's slots).
inline std::size_t slot_numbers(const BlockSpec& block, std::size_t d_model) {
  const AttentionSpec& attention = block.attention;
  const bool heads_are_normed = block.q_norm.exists() || block.k_norm.exists();
  const std::size_t posts = (block.ln1_post.exists() ? 1 : 0) + (block.ln2_post.exists() ? 1 : 0);
  // The stream three times, normed, the outputs of attention and MLP; normalized and the divisors of heads or of a row.
  return (6 + posts) * d_model + std::max(d_model, heads_are_normed ? attention.queries_width() : 0) +
         (heads_are_normed ? attention.heads : 1) + attention.qkv_width() + attention.queries_width() +
         block.mlp.in_width();
}

// For the widest block.
inline std::size_t slot_numbers(const ModelConfig& config) {
  std::size_t most = 0;
  for (const BlockSpec& block : config.blocks) most = std::max(most, slot_numbers(block, config.d_model));
  return most;
}

// For a complete run, with its streams between blocks and the copy of a row that a product makes.
inline std::size_t run_numbers(const ModelConfig& config) {
  return slot_numbers(config) + 3 * config.d_model + config.d_mlp();
}

// Multiplications and additions of each product of a block for one row.
struct RowOperations {
  double qkv, o, mlp_in, down;
};
inline RowOperations row_operations(const BlockSpec& block, std::size_t d_model) {
  const auto product = [](std::size_t in, std::size_t out) {
    return 2 * static_cast<double>(in) * static_cast<double>(out);
  };
  return {product(d_model, block.attention.qkv_width()), product(block.attention.queries_width(), d_model),
          product(d_model, block.mlp.in_width()), product(block.mlp.width, d_model)};
}

// Scores and weighted sum of values, of all heads, for each key that a query sees.
inline double key_operations(const AttentionSpec& attention) {
  return 4 * static_cast<double>(attention.queries_width());
}
inline std::size_t keys_seen(const AttentionSpec& attention, std::size_t position) {
  return attention.window > 0 ? std::min(attention.window, position + 1) : position + 1;
}

inline double logit_operations(std::size_t rows, const ModelConfig& config) {
  return 2 * static_cast<double>(rows * config.d_model) * static_cast<double>(config.d_vocab);
}

}  // namespace stratoscope
