// config.json: accepted sizes are within their limits, and a configuration written from them reads the same.
#include <cmath>
#include <nlohmann/json.hpp>

#include "stratoscope/families/families.h"
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::as_text(data, size));
  const auto config = fuzz::accepted([&] { return parse_model_config(text, "config.json"); });
  if (!config) return 0;
  fuzz::require(config->n_layers() >= 1 && config->n_layers() <= 1024, "layers are within their limits");
  for (const std::size_t count : {config->n_heads(), config->d_model, config->d_mlp(), config->n_ctx, config->d_vocab})
    fuzz::require(count >= 1 && count <= std::size_t{1} << 26, "sizes are within their limits");
  fuzz::require(config->d_head() * config->n_heads() == config->d_model, "heads fill the width");
  for (const std::size_t layer : {std::size_t{0}, config->n_layers() - 1}) {
    const double scale = config->blocks[layer].attention.scale;
    fuzz::require(std::isfinite(scale) && scale > 0, "scores are scaled by a positive number");
  }
  fuzz::require(written(parse_model_config(written(*config), "config.json")) == written(*config),
                "a configuration written again reads the same");
  return 0;
}

}  // namespace stratoscope
