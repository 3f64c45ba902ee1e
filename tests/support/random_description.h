// Descriptions of small models: drawn at random from all that a description can express, and shaped like known
// families.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/families/model_config.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope::test {

inline TensorNames test_names() {
  TensorNames names;
  names.prefix = "model.";
  names.embed = "embed_tokens", names.pos_embed = "embed_positions", names.ln_final = "norm";
  names.embed_norm = "embed_norm", names.unembed = "lm_head";
  names.block = "layers.{}.";
  names.ln1 = "ln1", names.ln1_post = "ln1_post", names.ln2 = "ln2", names.ln2_post = "ln2_post";
  names.q = "attn.q_proj", names.k = "attn.k_proj", names.v = "attn.v_proj", names.o = "attn.o_proj";
  names.q_norm = "attn.q_norm", names.k_norm = "attn.k_norm";
  names.gate = "mlp.gate_proj", names.up = "mlp.up_proj", names.down = "mlp.down_proj";
  return names;
}

// Beyond this number of tokens some of the rotations change; a random text may be shorter or longer.
constexpr double kShortContext = 20;

// Draws random values for every part of a description.
class DescriptionDraw {
 public:
  explicit DescriptionDraw(Random& random) : random_(random) {}

  ModelConfig model() {
    ModelConfig model;
    model.family = model.title = "test";
    model.tensors = test_names();
    model.tensors.qkv = static_cast<QkvStorage>(random_.below(3));
    model.tensors.gate_with_up = one_of(2);
    model.tensors.layout = one_of(2) ? WeightLayout::in_out : WeightLayout::out_in;
    model.d_model = from(5, 40);
    model.d_vocab = from(11, 67);
    model.n_ctx = from(30, 40);
    heads_have_weights_ = one_of(2);
    if (heads_have_weights_ && one_of(2))
      model.tensors.q_norm = "attn.q_norm.norms.{}", model.tensors.k_norm = "attn.k_norm.norms.{}";
    model.ln_final = one_of(8) ? NormSpec{} : norm();
    if (one_of(4)) model.embed_norm = norm();
    model.learned_positions = one_of(3);
    model.position_offset = model.learned_positions && one_of(2) ? 2 : 0;
    model.embed_scale = one_of(3) ? std::sqrt(static_cast<double>(model.d_model)) : 1;
    model.logit_scale = one_of(3) ? 0.375 : 1;
    model.logit_cap = one_of(3) ? static_cast<double>(from(2, 30)) : 0;
    model.tied = one_of(2);
    model.unembed_bias = one_of(4);
    blocks(model);
    return model;
  }

 private:
  bool one_of(std::size_t n) { return random_.below(n) == 0; }
  std::size_t from(std::size_t low, std::size_t high) { return low + random_.below(high - low + 1); }

  // The differences between the blocks of a model.
  enum class Differ { nothing, window_and_rotary, mechanisms, everything };

  void blocks(ModelConfig& model) {
    const auto differ = static_cast<Differ>(random_.below(4));
    model.blocks.push_back(block(model));
    for (std::size_t more = from(1, 3); more > 0; --more) {
      BlockSpec next = model.blocks[0];
      if (differ == Differ::window_and_rotary) {
        next.attention.window = window();
        next.attention.rotary = rotary(next.attention.d_head);
      } else if (differ != Differ::nothing) {
        next = block(model);
        if (differ == Differ::mechanisms) keep_heads_of(model.blocks[0].attention, next.attention);
      }
      model.blocks.push_back(next);
    }
  }

  void keep_heads_of(const AttentionSpec& first, AttentionSpec& attention) {
    attention.heads = first.heads;
    attention.kv_heads = first.kv_heads;
    attention.d_head = first.d_head;
    attention.rotary = rotary(first.d_head);
  }

  BlockSpec block(const ModelConfig& model) {
    BlockSpec block;
    block.attention = attention(model.tensors.qkv);
    block.mlp = {.width = from(3, 50),
                 .activation = static_cast<Activation>(random_.below(6)),
                 .gated = one_of(2),
                 .bias = one_of(2)};
    // A branch without any norm would let values grow without bound.
    const std::size_t where = random_.below(6);
    if (where != 0) block.ln1 = norm();
    if (where < 2) block.ln1_post = norm();
    if (where != 1) block.ln2 = norm();
    if (where == 1 || where == 2) block.ln2_post = norm();
    block.branch_scale = one_of(4) ? 0.625 : 1;
    block.parallel = one_of(3);
    block.shared_norm = block.parallel && where > 0 && one_of(2);
    if (block.shared_norm) block.ln2 = {};
    if (one_of(3)) {
      const bool wide = one_of(2);
      block.q_norm = norm();
      block.k_norm = one_of(4) ? norm() : block.q_norm;
      block.q_norm.wide = block.k_norm.wide = wide;
      block.q_norm.by_head = block.k_norm.by_head = !wide && heads_have_weights_;
      if (one_of(6)) (one_of(2) ? block.q_norm : block.k_norm) = {};
    }
    return block;
  }

  NormSpec norm() {
    NormSpec norm;
    norm.kind = one_of(2) ? NormKind::layer : NormKind::rms;
    constexpr std::array kEps = {1e-5, 1e-6, 1e-3};
    norm.eps = kEps[random_.below(kEps.size())];
    norm.weight = !one_of(6);
    norm.bias = norm.kind == NormKind::layer ? !one_of(4) : one_of(8);
    norm.plus_one = norm.weight && one_of(3);
    return norm;
  }

  AttentionSpec attention(QkvStorage storage) {
    AttentionSpec attention;
    attention.heads = from(1, 6);
    do {
      attention.kv_heads = from(1, attention.heads);
    } while (attention.heads % attention.kv_heads != 0);
    if (storage == QkvStorage::by_head) attention.kv_heads = attention.heads;
    // A row of one or two numbers may be near zero, where relative errors mean little.
    attention.d_head = from(attention.kv_heads < 3 ? 3 : 1, 12);
    const std::array scales = {1 / std::sqrt(static_cast<double>(attention.d_head)), 1.0, 0.3};
    attention.scale = scales[random_.below(scales.size())];
    attention.window = window();
    attention.score_cap = one_of(3) ? static_cast<double>(from(1, 20)) : 0;
    attention.slopes = one_of(4);
    attention.clip = one_of(4) ? 0.75 : 0;
    attention.qkv_bias = one_of(2);
    attention.out_bias = one_of(2);
    attention.rotary = rotary(attention.d_head);
    return attention;
  }

  std::size_t window() { return one_of(2) ? 0 : from(1, 12); }

  Rotary rotary(std::size_t d_head) {
    if (d_head < 2 || one_of(3)) return {};
    constexpr std::array kBases = {10000.0, 100.0, 500000.0};
    Rotary rotary{
        .dims = 2 * from(1, d_head / 2), .interleaved = one_of(2), .base = kBases[random_.below(kBases.size())]};
    if (one_of(2)) rotary.scaling = scaling(rotary.dims / 2);
    return rotary;
  }

  RotaryScaling scaling(std::size_t pairs) {
    RotaryScaling scaling;
    scaling.kind = static_cast<RotaryScalingKind>(from(1, pairs > 1 ? 5 : 3));
    if (pairs == 1 && scaling.kind == RotaryScalingKind::dynamic) scaling.kind = RotaryScalingKind::longrope;
    scaling.factor = static_cast<double>(from(1, 8));
    scaling.original_context = one_of(2) ? kShortContext : 64;
    scaling.max_context = kShortContext;
    scaling.low_turns = 1, scaling.high_turns = static_cast<double>(from(2, 8));
    scaling.whole_pairs = one_of(2);
    if (scaling.kind == RotaryScalingKind::yarn || scaling.kind == RotaryScalingKind::longrope)
      scaling.magnitude = one_of(2) ? 1.25 : 1;
    if (scaling.kind != RotaryScalingKind::longrope) return scaling;
    for (std::size_t j = 0; j < pairs; ++j) {
      scaling.short_divisors.push_back(1 + static_cast<double>(j) / 4);
      scaling.long_divisors.push_back(1.5 + static_cast<double>(j));
    }
    return scaling;
  }

  Random& random_;
  bool heads_have_weights_ = false;
};

inline ModelConfig random_description(Random& random) { return DescriptionDraw(random).model(); }

inline std::vector<ModelConfig> random_descriptions(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<ModelConfig> descriptions;
  while (descriptions.size() < count) descriptions.push_back(random_description(random));
  return descriptions;
}

inline ModelConfig llama_like() {
  const NormSpec norm{.kind = NormKind::rms, .eps = 1e-6, .bias = false};
  BlockSpec block;
  block.ln1 = block.ln2 = norm;
  block.attention = {.heads = 4, .kv_heads = 2, .d_head = 6, .scale = 1 / std::sqrt(6.0)};
  block.attention.qkv_bias = block.attention.out_bias = false;
  block.attention.rotary = {.dims = 6};
  block.mlp = {.width = 37, .activation = Activation::silu, .gated = true, .bias = false};
  ModelConfig model;
  model.family = model.title = "llama";
  model.d_model = 24, model.d_vocab = 61, model.n_ctx = 36;
  model.blocks.assign(3, block);
  model.ln_final = norm;
  model.tensors = test_names();
  return model;
}

inline ModelConfig named_llama(const char* name) {
  ModelConfig model = llama_like();
  model.family = model.title = name;
  return model;
}

inline ModelConfig mistral_like() {
  ModelConfig model = named_llama("mistral");
  for (BlockSpec& block : model.blocks) block.attention.window = 7;
  return model;
}

inline ModelConfig qwen3_like() {
  ModelConfig model = named_llama("qwen3");
  for (BlockSpec& block : model.blocks) {
    block.q_norm = block.k_norm = block.ln1;
    block.attention.d_head = block.attention.rotary.dims = 10;
  }
  model.tied = true;
  return model;
}

inline ModelConfig gemma2_like() {
  ModelConfig model = named_llama("gemma2");
  model.ln_final.plus_one = true;
  for (std::size_t layer = 0; layer < model.blocks.size(); ++layer) {
    BlockSpec& block = model.blocks[layer];
    block.ln1 = block.ln1_post = block.ln2 = block.ln2_post = model.ln_final;
    block.attention.d_head = block.attention.rotary.dims = 8;
    block.attention.scale = 1 / std::sqrt(20.0);
    block.attention.score_cap = 5;
    block.attention.window = layer % 2 == 0 ? 5 : 0;
    block.mlp.activation = Activation::gelu_new;
  }
  model.embed_scale = std::sqrt(24.0);
  model.logit_cap = 3;
  model.tied = true;
  return model;
}

inline ModelConfig olmo2_like() {
  ModelConfig model = named_llama("olmo2");
  for (BlockSpec& block : model.blocks) {
    block.ln1_post = block.ln2_post = block.ln1;
    block.ln1 = block.ln2 = {};
    block.q_norm = block.k_norm = block.ln1_post;
    block.q_norm.wide = block.k_norm.wide = true;
  }
  return model;
}

inline ModelConfig gpt_neox_like() {
  const NormSpec norm{.kind = NormKind::layer};
  BlockSpec block;
  block.ln1 = block.ln2 = norm;
  block.attention = {.heads = 3, .kv_heads = 3, .d_head = 8, .scale = 1 / std::sqrt(8.0)};
  block.attention.rotary = {.dims = 2};
  block.mlp = {.width = 40, .activation = Activation::gelu};
  block.parallel = true;
  ModelConfig model;
  model.family = model.title = "gpt_neox";
  model.d_model = 24, model.d_vocab = 61, model.n_ctx = 36;
  model.blocks.assign(3, block);
  model.ln_final = norm;
  model.tensors = test_names();
  model.tensors.qkv = QkvStorage::by_head;
  return model;
}

inline ModelConfig phi_like() {
  ModelConfig model = gpt_neox_like();
  model.family = model.title = "phi";
  model.tensors.qkv = QkvStorage::apart;
  for (BlockSpec& block : model.blocks) {
    block.ln2 = {};
    block.shared_norm = true;
    block.attention.rotary.dims = 4;
    block.mlp.activation = Activation::gelu_new;
  }
  model.unembed_bias = true;
  return model;
}

inline ModelConfig bloom_like() {
  ModelConfig model = gpt_neox_like();
  model.family = model.title = "bloom";
  model.embed_norm = model.ln_final;
  for (BlockSpec& block : model.blocks) {
    block.parallel = false;
    block.attention.rotary = {};
    block.attention.slopes = true;
    block.mlp.activation = Activation::gelu_new;
  }
  model.tied = true;
  return model;
}

inline ModelConfig gpt_neo_like() {
  ModelConfig model = gpt_neox_like();
  model.family = model.title = "gpt_neo";
  model.tensors.qkv = QkvStorage::apart;
  model.learned_positions = true;
  model.tied = true;
  for (std::size_t layer = 0; layer < model.blocks.size(); ++layer) {
    BlockSpec& block = model.blocks[layer];
    block.parallel = false;
    block.attention.rotary = {};
    block.attention.scale = 1;
    block.attention.window = layer % 2 == 1 ? 6 : 0;
    block.attention.qkv_bias = false;
    block.mlp.activation = Activation::gelu_new;
  }
  return model;
}

inline ModelConfig granite_like() {
  ModelConfig model = named_llama("granite");
  model.embed_scale = 3.5, model.logit_scale = 0.25;
  for (BlockSpec& block : model.blocks) {
    block.branch_scale = 0.22;
    block.attention.scale = 0.3;
    block.attention.rotary.scaling = {.kind = RotaryScalingKind::yarn,
                                      .factor = 4,
                                      .original_context = 16,
                                      .low_turns = 1,
                                      .high_turns = 32,
                                      .magnitude = 1.14};
  }
  return model;
}

inline ModelConfig cohere_like() {
  ModelConfig model = named_llama("cohere");
  model.ln_final = {.kind = NormKind::layer, .bias = false};
  model.logit_scale = 0.0625;
  model.tied = true;
  for (BlockSpec& block : model.blocks) {
    block.ln1 = block.q_norm = model.ln_final;
    block.ln2 = {};
    block.q_norm.by_head = true;
    block.k_norm = block.q_norm;
    block.parallel = block.shared_norm = true;
    block.attention.rotary.interleaved = true;
  }
  return model;
}

inline ModelConfig stablelm_like() {
  ModelConfig model = cohere_like();
  model.family = model.title = "stablelm";
  model.logit_scale = 1;
  model.tensors.q_norm = "attn.q_norm.norms.{}", model.tensors.k_norm = "attn.k_norm.norms.{}";
  for (BlockSpec& block : model.blocks) {
    block.attention.rotary.dims = 4;
    block.attention.rotary.interleaved = false;
  }
  return model;
}

inline ModelConfig olmo_like() {
  ModelConfig model = named_llama("olmo");
  model.ln_final = {.kind = NormKind::layer, .weight = false, .bias = false};
  for (BlockSpec& block : model.blocks) {
    block.ln1 = block.ln2 = model.ln_final;
    block.attention.clip = 0.75;
  }
  return model;
}

inline ModelConfig phi3_like() {
  ModelConfig model = named_llama("phi3");
  model.tensors.qkv = QkvStorage::thirds;
  model.tensors.gate_with_up = true;
  for (BlockSpec& block : model.blocks)
    block.attention.rotary.scaling = {.kind = RotaryScalingKind::longrope,
                                      .original_context = kShortContext,
                                      .magnitude = 1.2,
                                      .short_divisors = {1, 1.25, 1.5},
                                      .long_divisors = {1, 3, 9}};
  return model;
}

inline std::vector<ModelConfig> named_descriptions() {
  return {llama_like(), mistral_like(), qwen3_like(),   gemma2_like(), olmo2_like(),    gpt_neox_like(), phi_like(),
          bloom_like(), gpt_neo_like(), granite_like(), cohere_like(), stablelm_like(), olmo_like(),     phi3_like()};
}

// The named descriptions, then `count` random ones.
inline std::vector<ModelConfig> all_descriptions(std::size_t count, std::uint64_t seed) {
  auto descriptions = named_descriptions();
  for (ModelConfig& drawn : random_descriptions(count, seed)) descriptions.push_back(std::move(drawn));
  return descriptions;
}

// A short summary of the description, for a failure's trace.
inline std::string summary_of(const ModelConfig& model) {
  std::string text = model.title + " d_model " + std::to_string(model.d_model);
  for (const BlockSpec& block : model.blocks) {
    const AttentionSpec& a = block.attention;
    text += "; heads " + std::to_string(a.heads) + "/" + std::to_string(a.kv_heads) + " of " +
            std::to_string(a.d_head) + ", window " + std::to_string(a.window) + ", rotary " +
            std::to_string(a.rotary.dims) + " scaled " + std::to_string(static_cast<int>(a.rotary.scaling.kind)) +
            (a.clip > 0 ? ", clip" : "") + (block.branch_scale != 1 ? ", branch scale" : "") +
            (a.slopes ? ", slopes" : "") + (a.score_cap > 0 ? ", cap" : "") +
            (block.q_norm.exists() || block.k_norm.exists() ? ", q/k norm" : "") +
            (block.parallel ? ", parallel" : "") + (block.shared_norm ? ", shared norm" : "") + ", mlp " +
            std::to_string(block.mlp.width) + (block.mlp.gated ? " gated" : "");
  }
  return text;
}

}  // namespace stratoscope::test
