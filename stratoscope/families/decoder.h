// The parts that most families share: sizes under the names of Llama's config.json, and equal blocks.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "stratoscope/families/config_reader.h"
#include "stratoscope/families/model_config.h"
#include "stratoscope/families/rotary_reader.h"

namespace stratoscope {

// The defaults of config.json; 0: required.
struct DecoderDefaults {
  std::size_t d_model = 0, d_vocab = 0, layers = 0, heads = 0, d_mlp = 0;
  std::size_t kv_heads = 0;  // 0: as many as heads
  std::size_t d_head = 0;    // 0: d_model / heads
  std::size_t n_ctx = 2048;
  bool tied = false;
};

// The sizes, with copies of `block` with its heads, scale and rotation set. Throws as families do.
ModelConfig decoder(const ConfigReader& config, const DecoderDefaults& defaults = {});

constexpr std::size_t kLlamaMlp = 11008;  // of Llama and families without another size

// Llama and its descendants: RMS norms, gated MLP, rotation, biases only by attention_bias and mlp_bias.
ModelConfig llama_like(const ConfigReader& config, const DecoderDefaults& defaults = {}, double eps = 1e-6,
                       const RotaryKeys& rotary = {});

// Each of the blocks, with its number.
template <class Change>
void for_each_block(ModelConfig& model, const Change& change) {
  for (std::size_t layer = 0; layer < model.blocks.size(); ++layer) change(model.blocks[layer], layer);
}

NormSpec rms_norm(double eps);
NormSpec layer_norm(double eps, bool bias = true);

// For each block, whether layer_types makes it local; empty without such a list.
std::vector<bool> local_blocks(const ConfigReader& config, std::size_t layers);

// Llama's names, which most families use.
TensorNames llama_names();

// Heads of equal size must fill the width. `keys` are the names of both in config.json.
std::size_t head_size(const ConfigReader& config, std::size_t d_model, std::size_t heads, const std::string& keys);

}  // namespace stratoscope
