// Hugging Face's paths, derived: GPT-2's are unchanged, and another family's are its own.
#include "stratoscope/probe/module_names.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <tuple>

#include "stratoscope/families/families.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/sweep_grid.h"
#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/random_description.h"

namespace stratoscope {
namespace {

using Names = std::vector<std::string>;

Names spelled(HookPoint point, const ModelConfig& config) { return spellings_of(point, config); }

TEST(ModuleNames, OfGpt2) {
  const ModelConfig config = test::described({2, 3, 24, 40, 48, 67});
  EXPECT_EQ(spelled({Hook::embed, 0}, config), (Names{"hook_embed", "transformer.wte"}));
  EXPECT_EQ(spelled({Hook::pos_embed, 0}, config), (Names{"hook_pos_embed", "transformer.wpe"}));
  EXPECT_EQ(spelled({Hook::unembed_in, 0}, config), (Names{"unembed.hook_in", "transformer.ln_f", "hidden_states.2"}));
  EXPECT_EQ(spelled({Hook::unembed_out, 0}, config), (Names{"unembed.hook_out", "lm_head", "logits"}));
  EXPECT_EQ(spelled({Hook::resid_post, 1}, config),
            (Names{"blocks.1.hook_resid_post", "transformer.h.1", "resid_post.1"}));
  EXPECT_EQ(spelled({Hook::attn_out, 1}, config),
            (Names{"blocks.1.hook_attn_out", "transformer.h.1.attn", "transformer.h.1.attn.c_proj", "attn_out.1"}));
  EXPECT_EQ(spelled({Hook::mlp_out, 1}, config),
            (Names{"blocks.1.hook_mlp_out", "transformer.h.1.mlp", "transformer.h.1.mlp.c_proj", "mlp_out.1"}));
  EXPECT_EQ(spelled({Hook::mlp_pre, 0}, config),
            (Names{"blocks.0.mlp.hook_pre", "transformer.h.0.mlp.c_fc", "mlp_pre.0", "pre.0"}));
  EXPECT_EQ(spelled({Hook::q, 0}, config), (Names{"blocks.0.attn.hook_q", "q.0"}));
  EXPECT_EQ(spelled({Hook::mlp_post, 1}, config),
            (Names{"blocks.1.mlp.hook_post", "transformer.h.1.mlp.act", "mlp_post.1", "post.1"}));
  EXPECT_EQ(spelled({Hook::ln2_out, 1}, config), (Names{"blocks.1.ln2.hook_out", "transformer.h.1.ln_2", "ln2_out.1"}));
  EXPECT_EQ(spelled({Hook::resid_pre, 0}, config),
            (Names{"blocks.0.hook_resid_pre", "transformer.drop", "hidden_states.0", "resid_pre.0"}));
  EXPECT_EQ(spelled({Hook::resid_pre, 1}, config),
            (Names{"blocks.1.hook_resid_pre", "hidden_states.1", "resid_pre.1"}));
}

// Every spelling of every hook point means that hook point, in every family.
TEST(ModuleNames, EverySpellingMeansItsHookPointInEveryDescription) {
  for (const ModelConfig& config : test::all_descriptions(30, 6)) {
    SCOPED_TRACE(test::summary_of(config));
    std::size_t modules = 0;
    for (const HookPoint point : all_hook_points(config)) {
      for (const std::string& name : spellings_of(point, config)) {
        const auto found = match_hook_points(name, config);
        ASSERT_EQ(found.size(), 1U) << name;
        EXPECT_EQ(found[0], point) << name << " means " << name_of(found[0]);
      }
      modules += spellings_of(point, config).size() > 2 ? 1 : 0;
    }
    EXPECT_GT(modules, 0U);
  }
}

TEST(ModuleNames, WhatANormFollowsIsNoHookPoint) {
  ModelConfig config = test::gemma2_like();
  const std::string block = before_block_number(config) + "0.";
  const auto meaning = [&](const std::string& module) { return match_hook_points(block + module, config); };
  EXPECT_TRUE(test::refuses([&] { meaning(config.tensors.o); }, "there is no"));
  EXPECT_EQ(meaning(config.tensors.ln1)[0].hook, Hook::ln1_out);
  EXPECT_EQ(meaning(config.tensors.ln1_post)[0].hook, Hook::attn_out);
  EXPECT_EQ(meaning(config.tensors.ln2_post)[0].hook, Hook::mlp_out);
  EXPECT_EQ(meaning(config.tensors.gate)[0].hook, Hook::mlp_pre);
  EXPECT_EQ(meaning(config.tensors.up)[0].hook, Hook::mlp_pre_linear);
}

TEST(ModuleNames, HooksThatAModelLacksAreRefusedWithTheReason) {
  const ModelConfig config = test::described({2, 3, 24, 40, 48, 67});
  EXPECT_TRUE(test::refuses([&] { match_hook_points("rot_q.0", config); },
                            "blocks.0.attn.hook_rot_q does not exist in this GPT-2: it rotates no"));
  EXPECT_TRUE(test::refuses([&] { match_hook_points("L0H1.rot_k", config); }, "is not a value of one head"));
}

const ModelConfig& family(const std::string& name) {
  static std::map<std::string, ModelConfig> read;
  const auto folder = std::filesystem::path(STRATOSCOPE_SOURCE_DIR) / "tests/golden/families" / name;
  return read.try_emplace(name, read_model_config(folder)).first->second;
}

TEST(ModuleNames, OfFamiliesAreTheirOwn) {
  const std::tuple<const char*, const char*, const char*> table[] = {
      {"llama3", "model.embed_tokens", "hook_embed"},
      {"llama3", "model.layers.1.self_attn", "blocks.1.hook_attn_out"},
      {"llama3", "model.layers.1.mlp.gate_proj", "blocks.1.mlp.hook_pre"},
      {"llama3", "model.layers.1.mlp.up_proj", "blocks.1.mlp.hook_pre_linear"},
      {"llama3", "model.norm", "unembed.hook_in"},
      {"llama3", "model.layers.0.input_layernorm", "blocks.0.ln1.hook_out"},
      {"llama3", "model.layers.0.post_attention_layernorm", "blocks.0.ln2.hook_out"},
      {"gemma2", "model.layers.0.post_attention_layernorm", "blocks.0.hook_attn_out"},
      {"gemma2", "model.layers.0.pre_feedforward_layernorm", "blocks.0.ln2.hook_out"},
      {"olmo2", "model.layers.0.post_attention_layernorm", "blocks.0.hook_attn_out"},
      {"gpt_neox", "gpt_neox.layers.1.mlp.act", "blocks.1.mlp.hook_post"},
      {"gpt_neox", "gpt_neox.emb_dropout", "blocks.0.hook_resid_pre"},
      {"gpt_neo", "transformer.drop", "blocks.0.hook_resid_pre"},
      {"opt", "model.decoder.layers.0.activation_fn", "blocks.0.mlp.hook_post"},
      {"opt", "model.decoder.layers.0.final_layer_norm", "blocks.0.ln2.hook_out"},
      {"gpt_neox", "gpt_neox.layers.1.mlp", "blocks.1.hook_mlp_out"},
      {"gpt_neox", "gpt_neox.layers.1.attention.dense", "blocks.1.hook_attn_out"},
      {"gpt_neo", "transformer.h.0.attn", "blocks.0.hook_attn_out"},
      {"gpt_neo", "transformer.h.0.attn.attention.q_proj", "blocks.0.attn.hook_q"},
      {"opt", "model.decoder.layers.0.fc1", "blocks.0.mlp.hook_pre"},
      {"opt", "model.decoder.layers.0.fc2", "blocks.0.hook_mlp_out"},
      {"phi3", "model.layers.0.mlp.down_proj", "blocks.0.hook_mlp_out"},
      {"olmo2", "blocks.1.ln1.hook_scale", "blocks.1.ln1_post.hook_scale"},
      {"olmo2", "blocks.1.ln2.hook_normalized", "blocks.1.ln2_post.hook_normalized"},
  };
  for (const auto& [model, name, point] : table)
    EXPECT_EQ(name_of(match_hook_points(name, family(model)).at(0)), point) << model << " " << name;
}

TEST(SweepAxes, HeadsAreThoseOfTheEditedHookPoint) {
  const ModelConfig& config = family("llama3");  // two heads of keys, four of queries
  const auto heads = [&](const EditTemplate& edit) {
    return resolve_axis("head=all", config, 3, std::span(&edit, 1)).values.size();
  };
  EXPECT_EQ(heads("blocks.{layer}.attn.hook_v.head[{head}] *= 0"), 2U);
  EXPECT_EQ(heads("blocks.0.attn.hook_z.head[{head}] *= 0"), 4U);
  EXPECT_EQ(heads("L{layer}H{head}.v *= 0"), 4U);
  EXPECT_EQ(resolve_axis("key=all", config, 3).values.size(), 3U);
}

TEST(ModuleNames, WhatAFamilyDoesNotHaveIsRefusedWithTheReason) {
  const std::tuple<const char*, const char*, const char*> table[] = {
      {"gpt_neox", "blocks.0.hook_resid_mid", "attention and MLP are parallel"},
      {"gpt_neox", "resid_mid.0", "attention and MLP are parallel"},
      {"gpt_neox", "hook_mlp_in", "here it is 'blocks.0.hook_resid_pre'"},
      {"llama3", "hook_pos_embed", "it has no table of positions"},
      {"llama3", "model.layers.0.mlp.act_fn", "its product with the up branch is 'blocks.0.mlp.hook_post'"},
      {"olmo2", "blocks.0.ln1.hook_out", "no norm stands before its attention"},
      {"olmo2", "blocks.0.ln1_post.hook_nothing", "there is no"},
      {"opt", "blocks.0.attn.hook_rot_k", "it rotates no queries and keys"},
      {"opt", "blocks.0.mlp.hook_pre_linear", "its MLP has no gate"},
      {"gemma2", "blocks.0.attn.q_norm.hook_scale", "it has no norm of queries"},
      {"gemma2", "model.layers.0.self_attn", "after the norm or the scale that follows the module"},
      {"gemma2", "model.embed_tokens", "here it is 'hook_embed'"},
      {"phi3", "model.layers.1.self_attn.qkv_proj", "three values here"},
      {"phi3", "model.layers.1.mlp.gate_up_proj", "two values here"},
  };
  for (const auto& [model, name, reason] : table)
    EXPECT_TRUE(test::refuses([&hook = name, &of = model] { match_hook_points(hook, family(of)); }, reason))
        << model << " " << name;
}

}  // namespace
}  // namespace stratoscope
