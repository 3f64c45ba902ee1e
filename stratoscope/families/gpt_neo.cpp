// GPT-Neo (Black et al. 2021): GPT-2 with windows in every other block, and scores that are not scaled.
#include <nlohmann/json.hpp>

#include "stratoscope/base/names.h"
#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {
namespace {

// attention_types is a list of [pattern, repetitions]: [[["global", "local"], 6]].
std::vector<std::string> kinds_of(const ConfigReader& config, std::size_t layers) {
  constexpr auto kTypes = "attention_types";
  if (config.has("attention_layers") || !config.has(kTypes)) return config.texts("attention_layers", layers);
  const auto fail = [&] { config.fail("attention_types is not a list of [pattern, repeats] for each block"); };
  std::vector<std::string> kinds;
  if (!config.value(kTypes).is_array()) fail();
  for (const nlohmann::json& part : config.value(kTypes)) {
    if (!part.is_array() || part.size() != 2 || !part[0].is_array() || part[0].empty() || !part[1].is_number_unsigned())
      fail();
    for (std::size_t i = 0; i < part[1].get<std::size_t>() && kinds.size() <= layers; ++i)
      for (const nlohmann::json& kind : part[0]) {
        if (!kind.is_string()) fail();
        kinds.push_back(kind.get<std::string>());
      }
  }
  if (kinds.size() != layers) fail();
  return kinds;
}

}  // namespace

ModelConfig gpt_neo(const ConfigReader& config) {
  ModelConfig model;
  const std::size_t layers = config.required_size("num_layers", kMostLayers);
  model.d_model = config.required_size("hidden_size");
  model.d_vocab = config.required_size("vocab_size");
  model.n_ctx = config.size("max_position_embeddings").value_or(2048);
  model.learned_positions = true;
  model.tied = config.flag("tie_word_embeddings", true);
  model.ln_final = layer_norm(config.positive("layer_norm_epsilon", 1e-5));

  BlockSpec block;
  block.ln1 = block.ln2 = model.ln_final;
  block.attention.heads = block.attention.kv_heads = config.required_size("num_heads");
  block.attention.d_head = head_size(config, model.d_model, block.attention.heads, "hidden_size num_heads");
  block.attention.qkv_bias = false;
  block.mlp.width = config.size("intermediate_size").value_or(4 * model.d_model);
  block.mlp.activation = config.activation("activation_function", "gelu_new");
  model.blocks.assign(layers, block);
  const std::size_t window = config.size("window_size").value_or(256);
  const std::vector<std::string> kinds = kinds_of(config, layers);
  for_each_block(model, [&](BlockSpec& of, std::size_t layer) {
    const std::string kind = kinds.empty() ? (layer % 2 == 0 ? "global" : "local") : kinds[layer];
    if (kind != "global" && kind != "local")
      config.refuse("attention of kind " + in_quotes(kind) + " is not implemented", "global and local are implemented");
    if (kind == "local") of.attention.window = window;
  });

  TensorNames& names = model.tensors;
  names.prefix = "transformer.";
  names.embed = "wte", names.pos_embed = "wpe", names.ln_final = "ln_f", names.unembed = "lm_head";
  names.block = "h.{}.";
  names.ln1 = "ln_1", names.ln2 = "ln_2";
  names.q = "attn.attention.q_proj", names.k = "attn.attention.k_proj", names.v = "attn.attention.v_proj";
  names.o = "attn.attention.out_proj";
  names.up = "mlp.c_fc", names.down = "mlp.c_proj";
  names.activation = "mlp.act", names.drop = "drop";
  names.ignored_in_block = {"attn.attention.bias", "attn.attention.masked_bias"};
  return model;
}

}  // namespace stratoscope
