// Names, aliases and globs of hook points.
#include "stratoscope/probe/hook_names.h"

#include <gtest/gtest.h>

#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

using test::refuses;

ModelConfig twelve_blocks() { return test::described({12, 1, 1, 1, 1, 1}); }

std::vector<std::string> names(const char* pattern) {
  std::vector<std::string> list;
  for (const HookPoint point : match_hook_points(pattern, twelve_blocks())) list.push_back(name_of(point));
  return list;
}

TEST(HookNames, NamesAndAliases) {
  const std::pair<const char*, const char*> table[] = {
      {"blocks.3.hook_resid_post", "blocks.3.hook_resid_post"},
      {"blocks.-1.attn.hook_z", "blocks.11.attn.hook_z"},
      {"transformer.wte", "hook_embed"},
      {"transformer.wpe", "hook_pos_embed"},
      {"transformer.h.3", "blocks.3.hook_resid_post"},
      {"transformer.h.-12", "blocks.0.hook_resid_post"},
      {"transformer.h.3.attn", "blocks.3.hook_attn_out"},
      {"transformer.h.3.mlp", "blocks.3.hook_mlp_out"},
      {"transformer.h.3.mlp.c_fc", "blocks.3.mlp.hook_pre"},
      {"transformer.h.3.mlp.act", "blocks.3.mlp.hook_post"},
      {"transformer.h.3.ln_1", "blocks.3.ln1.hook_out"},
      {"transformer.h.-1.ln_2", "blocks.11.ln2.hook_out"},
      {"transformer.drop", "blocks.0.hook_resid_pre"},
      {"ln1_out.3", "blocks.3.ln1.hook_out"},
      {"transformer.ln_f", "unembed.hook_in"},
      {"lm_head", "unembed.hook_out"},
      {"logits", "unembed.hook_out"},
      {"hidden_states.0", "blocks.0.hook_resid_pre"},
      {"hidden_states.11", "blocks.11.hook_resid_pre"},
      {"hidden_states.12", "unembed.hook_in"},
      {"hidden_states.-1", "unembed.hook_in"},
      {"resid_post.5", "blocks.5.hook_resid_post"},
      {"resid_pre.-1", "blocks.11.hook_resid_pre"},
      {"ln1_scale.0", "blocks.0.ln1.hook_scale"},
      {"post.2", "blocks.2.mlp.hook_post"},
      {"mlp_post.2", "blocks.2.mlp.hook_post"},
      {"scores.3", "blocks.3.attn.hook_attn_scores"},
      {"pattern.3", "blocks.3.attn.hook_pattern"},
      {"z.3", "blocks.3.attn.hook_z"},
  };
  for (const auto& [pattern, name] : table) EXPECT_EQ(names(pattern), std::vector<std::string>{name}) << pattern;
}

TEST(HookNames, HeadsByTheirShorthand) {
  const auto expect = [](const char* text, const char* name, std::size_t head) {
    const ModelConfig config = test::described({12, 4, 4, 1, 1, 1});
    const HookMatch match = match_hook(text, config);
    ASSERT_EQ(match.points.size(), 1U) << text;
    EXPECT_EQ(name_of(match.points[0]), name) << text;
    EXPECT_EQ(match.heads, std::vector{head}) << text;
  };
  expect("L5H3", "blocks.5.attn.hook_z", 3);
  expect("L0H0.pattern", "blocks.0.attn.hook_pattern", 0);
  expect("L11H1.q", "blocks.11.attn.hook_q", 1);
  expect("L2H-1.result", "blocks.2.attn.hook_result", 3);
  EXPECT_FALSE(match_hook("resid_post.5", twelve_blocks()).heads);
}

TEST(HookNames, EverySpellingMeansItsHookPoint) {
  for (const HookPoint point : all_hook_points(twelve_blocks()))
    for (const std::string& spelling : spellings_of(point, twelve_blocks()))
      EXPECT_EQ(match_hook_points(spelling, twelve_blocks()), std::vector<HookPoint>{point}) << spelling;
}

TEST(HookNames, GlobsMatchInFiringOrder) {
  EXPECT_EQ(names("blocks.*.hook_mlp_out").size(), 12U);
  EXPECT_EQ(names("blocks.?.hook_mlp_out").size(), 10U);
  EXPECT_EQ(
      names("blocks.1?.hook_resid_*"),
      (std::vector<std::string>{"blocks.10.hook_resid_pre", "blocks.10.hook_resid_mid", "blocks.10.hook_resid_post",
                                "blocks.11.hook_resid_pre", "blocks.11.hook_resid_mid", "blocks.11.hook_resid_post"}));
  EXPECT_EQ(names("*").size(), 2U + 12 * 20 + 4);
}

std::vector<std::string> of_blocks(const std::vector<std::size_t>& blocks, const char* rest) {
  std::vector<std::string> list;
  for (const std::size_t block : blocks) list.push_back("blocks." + std::to_string(block) + rest);
  return list;
}

TEST(HookNames, ListsOfBlocksAreIndexLists) {
  const std::tuple<const char*, std::vector<std::size_t>, const char*> table[] = {
      {"blocks.[8..11].hook_mlp_out", {8, 9, 10, 11}, ".hook_mlp_out"},
      {"blocks.[0,2:5,-1].hook_mlp_out", {0, 2, 3, 4, 11}, ".hook_mlp_out"},
      {"blocks.[-1,0].hook_mlp_out", {0, 11}, ".hook_mlp_out"},
      {"blocks.[10:].hook_resid_post", {10, 11}, ".hook_resid_post"},
      {"blocks.[1].hook_resid_post", {1}, ".hook_resid_post"},
      {"transformer.h.[8..9].mlp", {8, 9}, ".hook_mlp_out"},
      {"transformer.h.[8..9]", {8, 9}, ".hook_resid_post"},
      {"resid_post.[3:5]", {3, 4}, ".hook_resid_post"},
      {"hidden_states.[0..1]", {0, 1}, ".hook_resid_pre"},
      {"L[2..3]H0", {2, 3}, ".attn.hook_z"},
  };
  for (const auto& [pattern, blocks, rest] : table) EXPECT_EQ(names(pattern), of_blocks(blocks, rest)) << pattern;
  EXPECT_EQ(names("blocks.[all].hook_mlp_out").size(), 12U);
  EXPECT_EQ(names("blocks.[0..1].hook_resid_*").size(), 6U);
  EXPECT_EQ(names("hidden_states.[11,-1]"), (std::vector<std::string>{"blocks.11.hook_resid_pre", "unembed.hook_in"}));
}

TEST(HookNames, ListsOfHeadsAreTheSameInEveryBlock) {
  const ModelConfig config = test::described({12, 4, 4, 1, 1, 1});
  const HookMatch match = match_hook("L[0,2:4]H[-1,0].pattern", config);
  EXPECT_EQ(match.points.size(), 3U);
  EXPECT_EQ(match.heads, (std::vector<std::size_t>{0, 3}));
  EXPECT_TRUE(match.is_glob);
  EXPECT_FALSE(match_hook("L2H1", config).is_glob);
}

TEST(HookNames, WhatIsNoListIsRefused) {
  const auto of = [](const char* pattern) { return [pattern] { match_hook_points(pattern, twelve_blocks()); }; };
  EXPECT_TRUE(refuses(of("blocks.[8-11].hook_mlp_out"), "'8-11' is not an index"));
  EXPECT_TRUE(refuses(of("blocks.[8..12].hook_mlp_out"), "12 is out of range; blocks are 0 to 11"));
  EXPECT_TRUE(refuses(of("hidden_states.[13]"), "13 is out of range; hidden states are 0 to 12"));
  EXPECT_TRUE(refuses(of("L0H[1]"), "1 is out of range"));
  EXPECT_TRUE(refuses(of("blocks.[].hook_mlp_out"), "empty place"));
  EXPECT_TRUE(refuses(of("blocks.[!0].hook_mlp_out"), "is not an index"));
  for (const char* name :
       {"blocks.*.attn.hook_[qk]", "blocks.1[01].hook_z", "blocks.[0", "[0].hook_z", "hook_embed[0]"})
    EXPECT_TRUE(refuses(of(name), "not a list of blocks")) << name;
}

// "@" stands for "here it is ".
TEST(HookNames, NamesOfOtherLibrariesAreTranslated) {
  const std::pair<const char*, const char*> table[] = {
      {"attn.c_attn", "'blocks.0.attn.hook_q', 'blocks.0.attn.hook_k' and 'blocks.0.attn.hook_v'"},
      {"transformer.h.3.attn.c_attn", "'blocks.3.attn.hook_q', 'blocks.3.attn.hook_k' and 'blocks.3.attn.hook_v'"},
      {"mlp.act", "@'blocks.0.mlp.hook_post'"},
      {"drop", "@'blocks.0.hook_resid_pre': dropout changes nothing"},
      {"transformer.h.2.attn.attn_dropout", "@'blocks.2.attn.hook_pattern': dropout"},
      {"attn.resid_dropout", "@'blocks.0.hook_attn_out': dropout"},
      {"model.layers.3.mlp", "@'blocks.3.hook_mlp_out'"},
      {"model.layers.3.self_attn.q_proj", "@'blocks.3.attn.hook_q'"},
      {"model.decoder.layers.3.self_attn.out_proj", "@'blocks.3.hook_attn_out'"},
      {"gpt_neox.layers.-1.attention.dense", "@'blocks.-1.hook_attn_out'"},
      {"blocks.3.attn.hook_rot_q", "does not exist in this GPT-2: it rotates no queries and keys"},
      {"blocks.3.hook_mlp_in", "@'blocks.3.hook_resid_mid'"},
      {"blocks.3.hook_q_input", "@'blocks.3.hook_resid_pre'"},
      {"blocks.3.ln1", "@'blocks.3.ln1.hook_out'"},
      {"model.layers.3.input_layernorm", "@'blocks.3.ln1.hook_out'"},
      {"transformer.h.3.attn.c_proj.input", "@'blocks.3.attn.hook_z'"},
      {"transformer.h.3.attn.c_attn.input", "@'blocks.3.ln1.hook_out'"},
      {"transformer.h[3].mlp.c_proj.input[0]", "@'blocks.3.mlp.hook_post'"},
      {"model.layers.3.self_attn.o_proj.input", "@'blocks.3.attn.hook_z'"},
      {"h.3", "@'blocks.3.hook_resid_post'"},
      {"h.3.mlp.c_fc", "@'blocks.3.mlp.hook_pre'"},
      {"model.transformer.h.3.attn", "@'blocks.3.hook_attn_out'"},
      {"hook_attn_scores", "@'blocks.0.attn.hook_attn_scores'"},
      {"attn.hook_z", "@'blocks.0.attn.hook_z'"},
      {"transformer.h.3.output", "@'blocks.3.hook_resid_post'"},
      {"transformer.h[3].output[0]", "@'blocks.3.hook_resid_post'"},
      {"model.transformer.h[11].mlp.output", "@'blocks.11.hook_mlp_out'"},
      {"transformer.h[3].input", "@'blocks.3.hook_resid_pre'"},
      {"transformer.h.3.mlp.input", "@'blocks.3.ln2.hook_out'"},
      {"transformer.h.3.mlp.dropout.input", "a module's input has no name here, its output is 'blocks.3.hook_mlp_out'"},
      {"wte", "@'hook_embed'"},
      {"model.norm", "@'unembed.hook_in'"},
      {"hook_unembed", "@'unembed.hook_out'"},
      {"lm_head.output", "@'unembed.hook_out'"},
      {"transformer", "@'unembed.hook_in'"},
  };
  for (const auto& [name, hint] : table) {
    std::string wanted = hint;
    if (wanted[0] == '@') wanted.replace(0, 1, "here it is ");
    EXPECT_TRUE(refuses([&, &pattern = name] { match_hook_points(pattern, twelve_blocks()); }, wanted)) << name;
  }
}

// The hook point that a hint names exists.
TEST(HookNames, HintsNameHookPoints) {
  for (const char* name : {"h.5", "h.5.attn", "h.5.attn.attn_dropout", "h.5.mlp.act", "h.5.mlp.dropout", "h.5.ln_1",
                           "layers.5.self_attn.v_proj", "layers.5.post_attention_layernorm", "blocks.5.hook_v_input",
                           "wpe", "ln_f", "ln_final", "embed_out", "drop", "h.5.mlp.c_proj", "hook_result"}) {
    std::string text;
    try {
      match_hook_points(name, twelve_blocks());
    } catch (const Error& error) {
      text = error.hint();
    }
    const std::size_t open = text.find('\''), close = text.find('\'', open + 1);
    ASSERT_NE(close, std::string::npos) << name << ": " << text;
    EXPECT_EQ(names(text.substr(open + 1, close - open - 1).c_str()).size(), 1U) << name << ": " << text;
  }
}

TEST(HookNames, Refusals) {
  const auto of = [](const char* pattern) { return [pattern] { match_hook_points(pattern, twelve_blocks()); }; };
  EXPECT_TRUE(refuses(of("L12H0"), "block 12 is out of range"));
  EXPECT_TRUE(refuses(of("L1H1"), "head 1 is out of range"));
  EXPECT_TRUE(refuses(of("L1H0.resid_post"), "'L1H0.resid_post' is not a value of one head"));
  EXPECT_TRUE(refuses(of("resid_post.12"), "block 12 is out of range"));
  EXPECT_TRUE(refuses(of("blocks.3.hook_resid_pst"), "did you mean 'blocks.3.hook_resid_post'"));
  EXPECT_TRUE(refuses(of("blocks.12.hook_resid_post"), "block 12 is out of range; blocks are 0 to 11, or -12 to -1"));
  EXPECT_TRUE(refuses(of("transformer.h.12"), "block 12 is out of range"));
  EXPECT_TRUE(refuses(of("hidden_states.13"), "hidden state 13 is out of range; hidden states are 0 to 12"));
  EXPECT_TRUE(refuses(of("blocks.*.hook_nothing"), "matches no hook point"));
  EXPECT_TRUE(refuses(of("*.hook_resid_pre.*"), "matches no hook point"));
  for (const char* name : {"", "blocks", "blocks.3", "blocks..hook_z", "hidden_states.1x", "hidden_states.",
                           "transformer.h.1.attn.c_attn", "qqqqqqqqqqqqqqqqqqqqqqqqqqqq"})
    EXPECT_TRUE(refuses(of(name), "there is no")) << name;
}

TEST(InAllBlocks, IsAGlobOfANameWithoutItsBlock) {
  EXPECT_EQ(in_all_blocks("hook_q"), "blocks.*.attn.hook_q");
  EXPECT_EQ(in_all_blocks("attn.hook_q"), "blocks.*.attn.hook_q");
  EXPECT_EQ(in_all_blocks("hook_resid_post"), "blocks.*.hook_resid_post");
  for (const char* other : {"blocks.3.hook_z", "unembed.hook_out", "q.3", "hook_embed", "nothing", ""})
    EXPECT_EQ(in_all_blocks(other), other);
  EXPECT_THROW(in_all_blocks("hook_scale"), Error) << "of several norms";
}

}  // namespace
}  // namespace stratoscope
