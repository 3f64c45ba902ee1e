// config.json of any family: accepted files give a description within its limits, whose tensors can be named; and a
// GPT-2 written from its description reads the same.
#include <cmath>
#include <nlohmann/json.hpp>

#include "stratoscope/families/families.h"
#include "stratoscope/families/tensor_roles.h"
#include "tests/fuzz/fuzz.h"

namespace stratoscope {
namespace {

std::string written(const ModelConfig& config) {
  const BlockSpec& block = config.blocks[0];
  nlohmann::json json = {{"model_type", config.family},
                         {"n_layer", config.n_layers()},
                         {"n_head", block.attention.heads},
                         {"n_embd", config.d_model},
                         {"n_inner", block.mlp.width},
                         {"n_positions", config.n_ctx},
                         {"vocab_size", config.d_vocab},
                         {"activation_function", name_of(block.mlp.activation)},
                         {"layer_norm_epsilon", config.ln_final.eps},
                         {"tie_word_embeddings", config.tied}};
  for (const auto& [name, on] : config.switches) json[name] = on;
  return json.dump();
}

void check_rotary(const AttentionSpec& attention) {
  const Rotary& rotary = attention.rotary;
  fuzz::require(rotary.dims % 2 == 0 && rotary.dims <= attention.d_head, "pairs of a head rotate");
  for (const std::size_t length : {1U, 100U, 1U << 20})
    for (const double turn : turns_of(rotary, length)) fuzz::require(std::isfinite(turn), "turns are finite");
  fuzz::require(turns_alike(rotary, 7, 7), "a text turns as itself");
}

void check_block(const ModelConfig& config, std::size_t layer) {
  const BlockSpec& block = config.blocks[layer];
  const AttentionSpec& attention = block.attention;
  fuzz::require(std::isfinite(attention.scale) && attention.scale > 0, "scores are scaled by a positive number");
  fuzz::require(attention.kv_heads >= 1 && attention.heads % attention.kv_heads == 0, "key heads divide the heads");
  check_rotary(attention);
  for (const Role role : matrix_roles(block)) {
    const StoredMatrix matrix = stored_matrix(role, config, layer);
    fuzz::require(matrix.in >= 1 && matrix.out >= 1 && matrix.unit(matrix.out - 1) < matrix.stored_out,
                  "a matrix lies within its tensor");
    fuzz::require(!is_ignored(matrix.name + ".weight", config), "a matrix is no buffer");
    fuzz::require(is_part_of_another_block(matrix.name + ".weight", config), "a matrix is part of a block");
  }
  for (const auto& [role, spec] : {std::pair(Role::ln1, block.ln1), std::pair(Role::q_norm, block.q_norm)})
    if (spec.exists()) fuzz::require(!stored_norm(role, config, layer).names().empty(), "a norm has a name");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::as_text(data, size));
  const auto config = fuzz::accepted([&] { return parse_model_config(text, "config.json"); });
  if (!config) return 0;
  fuzz::require(config->n_layers() >= 1 && config->n_layers() <= 1024, "layers are within their limits");
  for (const std::size_t count : {config->n_heads(), config->d_model, config->d_mlp(), config->n_ctx, config->d_vocab})
    fuzz::require(count >= 1 && count <= std::size_t{1} << 26, "sizes are within their limits");
  for (const std::size_t layer : {std::size_t{0}, config->n_layers() - 1}) check_block(*config, layer);
  if (config->family == "gpt2")
    fuzz::require(written(parse_model_config(written(*config), "config.json")) == written(*config),
                  "a configuration written again reads the same");
  return 0;
}

}  // namespace stratoscope
