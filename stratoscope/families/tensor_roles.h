// The tensors of each part of a model, derived from its description.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/families/model_config.h"
#include "stratoscope/tensor/shape.h"

namespace STRATOSCOPE_API stratoscope {

enum class Role {
  embed,      // [d_vocab, d_model]
  pos_embed,  // [positions, d_model]
  embed_norm,
  ln1,
  q,
  k,
  v,
  q_norm,
  k_norm,
  o,  // the rows of all heads
  ln1_post,
  ln2,
  gate,
  up,
  down,
  ln2_post,
  ln_final,
  unembed,  // [d_vocab, d_model]
};

// A matrix that maps `in` numbers to `out`. It may be a part of a stored tensor that has `stored_out` of them: unit i
// of the matrix is unit first + i / run * stride + i % run of the tensor.
struct StoredMatrix {
  std::string name;  // without ".weight"
  std::size_t in = 0, out = 0, stored_out = 0;
  std::size_t first = 0, run = 1, stride = 1;
  WeightLayout layout = WeightLayout::out_in;
  bool bias = false;

  Shape shape() const;
  std::size_t unit(std::size_t i) const { return first + i / run * stride + i % run; }
  bool is_whole() const { return out == stored_out && first == 0 && run >= out; }
};

// The vectors of a norm, repeated over its rows: `repeats` times `size` numbers. With spec.by_head, they are [repeats,
// size] in one tensor, or separate tensors with {} in their name for the head.
struct StoredNorm {
  std::string name;
  NormSpec spec;
  std::size_t size = 0, repeats = 1;

  // The tensors that hold its vectors, one after another, without ".weight"; and the shape of each.
  std::vector<std::string> names() const;
  Shape shape() const;
};

// The matrices of a block, in the order of the forward pass.
std::vector<Role> matrix_roles(const BlockSpec& block);
// Bytes of the matrices in memory, those of blocks and the unembedding; the embedding stays in the file.
struct WeightMemory {
  std::size_t fp32 = 0, bf16 = 0;
};
WeightMemory weight_memory(const ModelConfig& config);

// `layer` is 0 outside of blocks.
StoredMatrix stored_matrix(Role role, const ModelConfig& config, std::size_t layer = 0);
StoredNorm stored_norm(Role role, const ModelConfig& config, std::size_t layer = 0);

// Calls the function with every tensor of the model and its shape, in the order of the forward pass, except for an
// unembedding that is the embedding. There is no list, since an unverified description may have more tensors than fit
// in memory.
void for_each_tensor(const ModelConfig& config, const std::function<void(const std::string&, const Shape&)>& use);
std::vector<std::pair<std::string, Shape>> expected_tensors(const ModelConfig& config);

// Whether a name belongs to a block that the model does not have: "h.12.ln_1.weight".
bool is_part_of_another_block(const std::string& name, const ModelConfig& config);
// Whether a tensor is a buffer of old files that the architecture implies, such as the causal mask, or belongs to
// another part of the model than the decoder.
bool is_ignored(const std::string& name, const ModelConfig& config);

// The number of parameters; a tied unembedding counts once.
std::size_t parameters_of(const ModelConfig& config);

}  // namespace stratoscope
