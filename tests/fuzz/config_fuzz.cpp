// config.json: accepted sizes are within their limits, and a configuration written from them reads the same.
#include <cmath>
#include <nlohmann/json.hpp>

#include "stratoscope/hub/model_config.h"
#include "tests/fuzz/fuzz.h"

namespace stratoscope {
namespace {

std::string written(const ModelConfig& config) {
  return nlohmann::json{{"model_type", "gpt2"},
                        {"n_layer", config.n_layers},
                        {"n_head", config.n_heads},
                        {"n_embd", config.d_model},
                        {"n_inner", config.d_mlp},
                        {"n_positions", config.n_ctx},
                        {"vocab_size", config.d_vocab},
                        {"activation_function", config.activation_name},
                        {"layer_norm_epsilon", config.layer_norm_eps},
                        {"scale_attn_weights", config.scale_attn_weights},
                        {"scale_attn_by_inverse_layer_idx", config.scale_attn_by_inverse_layer},
                        {"tie_word_embeddings", config.tie_word_embeddings}}
      .dump();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::as_text(data, size));
  const auto config = fuzz::accepted([&] { return parse_model_config(text, "config.json"); });
  if (!config) return 0;
  fuzz::require(config->n_layers >= 1 && config->n_layers <= 1024, "layers are within their limits");
  for (const std::size_t count : {config->n_heads, config->d_model, config->d_mlp, config->n_ctx, config->d_vocab})
    fuzz::require(count >= 1 && count <= std::size_t{1} << 26, "sizes are within their limits");
  fuzz::require(config->d_head * config->n_heads == config->d_model, "heads fill the width");
  for (const std::size_t layer : {std::size_t{0}, config->n_layers - 1}) {
    const double scale = config->attention_scale(layer);
    fuzz::require(std::isfinite(scale) && scale > 0, "scores are scaled by a positive number");
  }
  fuzz::require(written(parse_model_config(written(*config), "config.json")) == written(*config),
                "a configuration written again reads the same");
  return 0;
}

}  // namespace stratoscope
