#include "stratoscope/families/decoder.h"

#include <cmath>

#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

std::size_t size_or(const ConfigReader& config, const char* key, std::size_t otherwise,
                    std::size_t most = kLargestSize) {
  return otherwise == 0 ? config.required_size(key, most) : config.size(key, most).value_or(otherwise);
}

std::size_t kv_heads_of(const ConfigReader& config, std::size_t heads, std::size_t otherwise) {
  const std::size_t kv_heads =
      config.size_unless_null("num_key_value_heads", otherwise == 0 ? heads : otherwise).value_or(heads);
  if (heads % kv_heads != 0)
    config.fail("num_attention_heads " + std::to_string(heads) + " is not a multiple of num_key_value_heads " +
                std::to_string(kv_heads));
  return kv_heads;
}

}  // namespace

std::size_t head_size(const ConfigReader& config, std::size_t d_model, std::size_t heads, const std::string& keys) {
  if (d_model % heads != 0)
    config.fail(keys.substr(0, keys.find(' ')) + " " + std::to_string(d_model) + " is not a multiple of " +
                keys.substr(keys.find(' ') + 1) + " " + std::to_string(heads));
  return d_model / heads;
}

NormSpec rms_norm(double eps) { return {.kind = NormKind::rms, .eps = eps, .bias = false}; }
NormSpec layer_norm(double eps, bool bias) { return {.kind = NormKind::layer, .eps = eps, .bias = bias}; }

ModelConfig decoder(const ConfigReader& config, const DecoderDefaults& defaults) {
  ModelConfig model;
  model.d_model = size_or(config, "hidden_size", defaults.d_model);
  model.d_vocab = size_or(config, "vocab_size", defaults.d_vocab);
  model.n_ctx = config.size("max_position_embeddings").value_or(defaults.n_ctx);
  model.tied = config.flag("tie_word_embeddings", defaults.tied);
  const std::size_t layers = size_or(config, "num_hidden_layers", defaults.layers, kMostLayers);

  BlockSpec block;
  AttentionSpec& attention = block.attention;
  attention.heads = size_or(config, "num_attention_heads", defaults.heads, kMostHeads);
  attention.kv_heads = kv_heads_of(config, attention.heads, defaults.kv_heads);
  const auto d_head = config.size_unless_null(
      "head_dim", defaults.d_head == 0 ? std::nullopt : std::optional<std::size_t>(defaults.d_head));
  attention.d_head =
      d_head ? *d_head : head_size(config, model.d_model, attention.heads, "hidden_size num_attention_heads");
  attention.scale = 1 / std::sqrt(static_cast<double>(attention.d_head));
  block.mlp.width = size_or(config, "intermediate_size", defaults.d_mlp);
  model.blocks.assign(layers, block);
  return model;
}

ModelConfig llama_like(const ConfigReader& config, const DecoderDefaults& defaults, double eps,
                       const RotaryKeys& rotary) {
  ModelConfig model = decoder(config, defaults);
  const bool attention_bias = config.flag("attention_bias", false), mlp_bias = config.flag("mlp_bias", false);
  const Activation activation = config.activation("hidden_act", "silu");
  const Rotary turning = read_rotary(config, model.d_head(), model.n_ctx, rotary);
  model.ln_final = rms_norm(config.positive("rms_norm_eps", eps));
  for_each_block(model, [&](BlockSpec& block, std::size_t) {
    block.ln1 = block.ln2 = model.ln_final;
    block.attention.qkv_bias = block.attention.out_bias = attention_bias;
    block.attention.rotary = turning;
    block.mlp.activation = activation;
    block.mlp.gated = true;
    block.mlp.bias = mlp_bias;
  });
  model.tensors = llama_names();
  return model;
}

std::vector<bool> local_blocks(const ConfigReader& config, std::size_t layers) {
  std::vector<bool> local;
  for (const std::string& type : config.texts("layer_types", layers)) {
    if (type != "sliding_attention" && type != "full_attention")
      config.refuse("layer_types " + in_quotes(type) + " is not implemented",
                    "full_attention and sliding_attention are implemented");
    local.push_back(type == "sliding_attention");
  }
  return local;
}

TensorNames llama_names() {
  TensorNames names;
  names.prefix = "model.";
  names.embed = "embed_tokens", names.ln_final = "norm", names.unembed = "lm_head";
  names.block = "layers.{}.";
  names.ln1 = "input_layernorm", names.ln2 = "post_attention_layernorm";
  names.q = "self_attn.q_proj", names.k = "self_attn.k_proj", names.v = "self_attn.v_proj";
  names.o = "self_attn.o_proj";
  names.q_norm = "self_attn.q_norm", names.k_norm = "self_attn.k_norm";
  names.gate = "mlp.gate_proj", names.up = "mlp.up_proj", names.down = "mlp.down_proj";
  names.ignored_in_block = {"self_attn.rotary_emb.inv_freq"};
  return names;
}

}  // namespace stratoscope
