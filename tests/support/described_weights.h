// Weights of any description as plain matrices and vectors, and the layouts in which a family may store them.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/families/model_config.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope::test {

// y = weight x + bias, whatever the layout in the file.
struct PlainMatrix {
  std::size_t in = 0, out = 0;
  std::vector<float> weight = {};  // [out, in]
  std::vector<float> bias = {};    // empty: none
};

// As stored, so before 1 is added; empty if not stored.
struct PlainNorm {
  std::vector<float> weight = {}, bias = {};
};

struct PlainBlock {
  PlainNorm ln1 = {}, q_norm = {}, k_norm = {}, ln1_post = {}, ln2 = {}, ln2_post = {};
  PlainMatrix q = {}, k = {}, v = {}, o = {}, gate = {}, up = {}, down = {};
};

struct PlainWeights {
  PlainMatrix embed = {}, pos_embed = {}, unembed = {};  // tied: the unembedding has only a bias, or nothing
  std::vector<PlainBlock> blocks = {};
  PlainNorm embed_norm = {}, ln_final = {};
};

// Scaled so that values stay moderate.
inline PlainWeights random_weights(const ModelConfig& config, std::uint64_t seed) {
  Random random(seed);
  constexpr float kBias = 0.2F;
  const auto matrix = [&](std::size_t in, std::size_t out, bool bias) {
    PlainMatrix made{in, out};
    made.weight = random.units(in * out, 2 / std::sqrt(static_cast<float>(in)));
    if (bias) made.bias = random.units(out, kBias);
    return made;
  };
  const auto table = [&](std::size_t rows, float scale) {
    return PlainMatrix{config.d_model, rows, random.units(rows * config.d_model, scale)};
  };
  const auto norm = [&](const NormSpec& spec, std::size_t size) {
    PlainNorm made;
    if (!spec.exists()) return made;
    if (spec.weight) made.weight = random.units(size, 0.5F);
    if (!spec.plus_one)
      for (float& weight : made.weight) weight += 1;
    if (spec.bias) made.bias = random.units(size, kBias);
    return made;
  };
  PlainWeights weights;
  weights.embed = table(config.d_vocab, 1);
  weights.embed_norm = norm(config.embed_norm, config.d_model);
  if (config.learned_positions) weights.pos_embed = table(config.n_ctx + config.position_offset, 0.3F);
  for (const BlockSpec& spec : config.blocks) {
    const AttentionSpec& attention = spec.attention;
    const std::size_t d = config.d_model, queries = attention.heads * attention.d_head,
                      keys = attention.kv_heads * attention.d_head;
    PlainBlock block;
    block.ln1 = norm(spec.ln1, d);
    block.q = matrix(d, queries, attention.qkv_bias);
    block.k = matrix(d, keys, attention.qkv_bias);
    block.v = matrix(d, keys, attention.qkv_bias);
    block.q_norm = norm(spec.q_norm, spec.q_norm.wide || spec.q_norm.by_head ? queries : attention.d_head);
    block.k_norm = norm(spec.k_norm, spec.k_norm.wide || spec.k_norm.by_head ? keys : attention.d_head);
    block.o = matrix(queries, d, attention.out_bias);
    block.ln1_post = norm(spec.ln1_post, d);
    if (!spec.shared_norm) block.ln2 = norm(spec.ln2, d);
    if (spec.mlp.gated) block.gate = matrix(d, spec.mlp.width, spec.mlp.bias);
    block.up = matrix(d, spec.mlp.width, spec.mlp.bias);
    block.down = matrix(spec.mlp.width, d, spec.mlp.bias);
    block.ln2_post = norm(spec.ln2_post, d);
    weights.blocks.push_back(std::move(block));
  }
  weights.ln_final = norm(config.ln_final, config.d_model);
  if (!config.tied) weights.unembed = table(config.d_vocab, 1);
  if (config.unembed_bias) weights.unembed.bias = random.units(config.d_vocab, kBias);
  return weights;
}

// The rows [first, first + count) of a matrix.
inline PlainMatrix rows_of(const PlainMatrix& matrix, std::size_t first, std::size_t count) {
  const auto part = [&](const std::vector<float>& numbers, std::size_t width) {
    if (numbers.empty()) return numbers;
    const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(first * width);
    return std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(count * width));
  };
  return {matrix.in, count, part(matrix.weight, matrix.in), part(matrix.bias, 1)};
}

inline PlainMatrix below_one_another(const std::vector<PlainMatrix>& parts) {
  PlainMatrix whole{parts[0].in, 0};
  for (const PlainMatrix& part : parts) {
    whole.out += part.out;
    whole.weight.insert(whole.weight.end(), part.weight.begin(), part.weight.end());
    whole.bias.insert(whole.bias.end(), part.bias.begin(), part.bias.end());
  }
  return whole;
}

// Queries, keys and values of each head together.
inline PlainMatrix by_head(const PlainBlock& block, std::size_t d_head) {
  std::vector<PlainMatrix> parts;
  for (std::size_t first = 0; first < block.q.out; first += d_head)
    for (const PlainMatrix* matrix : {&block.q, &block.k, &block.v}) parts.push_back(rows_of(*matrix, first, d_head));
  return below_one_another(parts);
}

inline std::vector<float> transposed(const PlainMatrix& matrix) {
  std::vector<float> values(matrix.weight.size());
  for (std::size_t o = 0; o < matrix.out; ++o)
    for (std::size_t i = 0; i < matrix.in; ++i) values[i * matrix.out + o] = matrix.weight[o * matrix.in + i];
  return values;
}

// The tensors of the description's file, each name after `prefix`.
inline TestTensors stored_as(const ModelConfig& config, const PlainWeights& weights, const std::string& prefix = {}) {
  const TensorNames& names = config.tensors;
  TestTensors tensors;
  const auto vector = [&](const std::string& name, const std::vector<float>& values) {
    if (!values.empty()) tensors[prefix + name] = {{values.size()}, values};
  };
  const auto matrix = [&](const std::string& name, const PlainMatrix& from, WeightLayout layout) {
    if (layout == WeightLayout::in_out)
      tensors[prefix + name + ".weight"] = {{from.in, from.out}, transposed(from)};
    else
      tensors[prefix + name + ".weight"] = {{from.out, from.in}, from.weight};
    vector(name + ".bias", from.bias);
  };
  const auto norm = [&](const std::string& name, const PlainNorm& from) {
    vector(name + ".weight", from.weight);
    vector(name + ".bias", from.bias);
  };
  // For heads with separate vectors: one tensor for each, or [heads, d_head] together.
  const auto norm_by_head = [&](const std::string& name, const std::vector<float>& values, const char* suffix,
                                std::size_t d_head) {
    const std::size_t hole = name.find("{}"), heads = values.size() / d_head;
    for (std::size_t head = 0; hole != std::string::npos && head < heads; ++head)
      vector(name.substr(0, hole) + std::to_string(head) + name.substr(hole + 2) + suffix,
             {values.begin() + static_cast<std::ptrdiff_t>(head * d_head),
              values.begin() + static_cast<std::ptrdiff_t>((head + 1) * d_head)});
    if (hole == std::string::npos && !values.empty()) tensors[prefix + name + suffix] = {{heads, d_head}, values};
  };
  const auto norm_of_heads = [&](const std::string& name, const NormSpec& spec, const PlainNorm& from,
                                 std::size_t d_head) {
    if (!spec.by_head) return norm(name, from);
    norm_by_head(name, from.weight, ".weight", d_head);
    norm_by_head(name, from.bias, ".bias", d_head);
  };
  norm(names.embed_norm, weights.embed_norm);
  matrix(names.embed, weights.embed, WeightLayout::out_in);
  if (config.learned_positions) matrix(names.pos_embed, weights.pos_embed, WeightLayout::out_in);
  for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
    const PlainBlock& block = weights.blocks[layer];
    const auto in_block = [&](const std::string& name) {
      const std::size_t hole = names.block.find("{}");
      return names.block.substr(0, hole) + std::to_string(layer) + names.block.substr(hole + 2) + name;
    };
    const auto of_block = [&](const std::string& name, const PlainMatrix& from) {
      matrix(in_block(name), from, names.layout);
    };
    norm(in_block(names.ln1), block.ln1);
    const BlockSpec& spec = config.blocks[layer];
    norm_of_heads(in_block(names.q_norm), spec.q_norm, block.q_norm, spec.attention.d_head);
    norm_of_heads(in_block(names.k_norm), spec.k_norm, block.k_norm, spec.attention.d_head);
    norm(in_block(names.ln1_post), block.ln1_post);
    norm(in_block(names.ln2), block.ln2);
    norm(in_block(names.ln2_post), block.ln2_post);
    switch (names.qkv) {
      case QkvStorage::apart: of_block(names.q, block.q), of_block(names.k, block.k), of_block(names.v, block.v); break;
      case QkvStorage::thirds: of_block(names.q, below_one_another({block.q, block.k, block.v})); break;
      case QkvStorage::by_head: of_block(names.q, by_head(block, spec.attention.d_head)); break;
    }
    of_block(names.o, block.o);
    const bool gated = spec.mlp.gated;
    if (names.gate_with_up) {
      of_block(names.gate, gated ? below_one_another({block.gate, block.up}) : block.up);
    } else {
      if (gated) of_block(names.gate, block.gate);
      of_block(names.up, block.up);
    }
    of_block(names.down, block.down);
  }
  norm(names.ln_final, weights.ln_final);
  if (!config.tied)
    matrix(names.unembed, {config.d_model, config.d_vocab, weights.unembed.weight}, WeightLayout::out_in);
  vector(names.unembed + ".bias", weights.unembed.bias);
  return tensors;
}

// A folder with only the weights: the description is not read from a config.json.
class DescribedFolder : public stratoscope::testing::TemporaryFolder {
 public:
  DescribedFolder(ModelConfig described, std::uint64_t seed)
      : config(std::move(described)), weights(random_weights(config, seed)) {
    write_tensors(*this / "model.safetensors", stored_as(config, weights, seed % 2 == 0 ? "" : config.tensors.prefix));
  }

  ModelConfig config;
  PlainWeights weights;
};

}  // namespace stratoscope::test
