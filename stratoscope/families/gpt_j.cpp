// GPT-J (Wang and Komatsuzaki 2021): parallel attention and MLP, which read one norm; interleaved rotation.
#include <cmath>

#include "stratoscope/families/decoder.h"
#include "stratoscope/families/registry.h"

namespace stratoscope {

ModelConfig gptj(const ConfigReader& config) {
  if (config.is_null("rotary_dim"))
    config.refuse("rotary_dim null is not implemented", "give the number of rotated dimensions");
  ModelConfig model;
  const std::size_t layers = config.required_size("n_layer", kMostLayers);
  model.d_model = config.required_size("n_embd");
  model.d_vocab = config.required_size("vocab_size");
  model.n_ctx = config.size("n_positions").value_or(2048);
  model.tied = config.flag("tie_word_embeddings", false);
  model.unembed_bias = true;
  model.ln_final = layer_norm(config.positive("layer_norm_epsilon", 1e-5));

  BlockSpec block;
  block.ln1 = block.ln2 = model.ln_final;
  block.parallel = block.shared_norm = true;
  AttentionSpec& attention = block.attention;
  attention.heads = attention.kv_heads = config.required_size("n_head");
  attention.d_head = head_size(config, model.d_model, attention.heads, "n_embd n_head");
  attention.scale = 1 / std::sqrt(static_cast<double>(attention.d_head));
  attention.qkv_bias = attention.out_bias = false;
  attention.rotary.dims = config.size("rotary_dim").value_or(64);
  attention.rotary.interleaved = true;
  if (attention.rotary.dims % 2 != 0 || attention.rotary.dims > attention.d_head)
    config.fail("rotary_dim " + std::to_string(attention.rotary.dims) + " is odd, or more than a head's " +
                std::to_string(attention.d_head));
  block.mlp.width = config.size("n_inner").value_or(4 * model.d_model);
  block.mlp.activation = config.activation("activation_function", "gelu_new");
  model.blocks.assign(layers, block);

  TensorNames& names = model.tensors;
  names.prefix = "transformer.";
  names.embed = "wte", names.ln_final = "ln_f", names.unembed = "lm_head";
  names.block = "h.{}.";
  names.ln1 = "ln_1";
  names.q = "attn.q_proj", names.k = "attn.k_proj", names.v = "attn.v_proj", names.o = "attn.out_proj";
  names.up = "mlp.fc_in", names.down = "mlp.fc_out";
  names.activation = "mlp.act", names.drop = "drop";
  names.ignored_in_block = {"attn.bias", "attn.masked_bias"};
  return model;
}

}  // namespace stratoscope
