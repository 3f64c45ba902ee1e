// Hugging Face's paths, derived: GPT-2's are those that it always had, and another family's are its own.
#include "stratoscope/probe/module_names.h"

#include <gtest/gtest.h>

#include "stratoscope/probe/hook_names.h"
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
  EXPECT_TRUE(test::refuses([&] { meaning(config.tensors.ln1); }, "after the norm's weight and bias"));
  EXPECT_EQ(meaning(config.tensors.gate)[0].hook, Hook::mlp_pre);
  EXPECT_EQ(meaning(config.tensors.up)[0].hook, Hook::mlp_pre_linear);
}

TEST(ModuleNames, ShortNamesOfHooksThatAModelLacksAreUnknown) {
  const ModelConfig config = test::described({2, 3, 24, 40, 48, 67});
  EXPECT_TRUE(test::refuses([&] { match_hook_points("rot_q.0", config); }, "there is no 'rot_q.0'"));
  EXPECT_TRUE(test::refuses([&] { match_hook_points("L0H1.rot_k", config); }, "is no value of one head"));
}

}  // namespace
}  // namespace stratoscope
