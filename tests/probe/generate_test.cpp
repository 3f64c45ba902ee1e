// Generation: its tokens are those of whole runs, and kept values have the bits of whole runs, edits included.
#include "stratoscope/probe/generate.h"

#include <gtest/gtest.h>

#include "stratoscope/probe/edits.h"
#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/runs.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using test::refuses;
using EngineRun = Run<float>;
constexpr std::size_t kPrompt = 6;

class Generating : public ::testing::Test {
 protected:
  const test::TestModelFolder folder_{{3, 3, 24, 40, 24, 67}, 7};
  const Model model_ = Model::load(folder_.path());
  test::Random random_{8};
  const TokenIds prompt_ = test::random_ids(random_, kPrompt, 67), corrupt_ = test::random_ids(random_, kPrompt, 67);

  GenerateRequest request(const std::vector<std::string>& edits = {}, EditScope scope = EditScope::fresh) const {
    GenerateRequest request;
    request.prompt = prompt_;
    request.corrupt = corrupt_;
    for (const std::string& edit : edits) request.edits.push_back(parse_edit(edit));
    request.scope = scope;
    request.max_new = 8;
    request.keep = true;
    request.captures = captures_of(all_hook_points(model_.config()));
    return request;
  }

  TokenIds text_of(const std::vector<NewToken>& tokens) const {
    TokenIds text = prompt_;
    for (const NewToken& token : tokens) text.push_back(token.id);
    return text;
  }

  // A run of the whole text with edits whose operands come from the prompt.
  EngineRun whole(const TokenIds& text, const std::vector<std::string>& edits) const {
    RunRequest wanted = test::everything_of(model_.config(), {text});
    EditSources sources(model_, prompt_, corrupt_);
    std::vector<EditExpression> expressions;
    expressions.reserve(edits.size());
    for (const std::string& edit : edits) expressions.push_back(parse_edit(edit));
    sources.prepare(expressions);
    sources.set_extent({text.size(), text.size(), 0});
    for (const EditExpression& expression : expressions)
      for (HookEdit& edit : resolve_edit(expression, sources)) wanted.edits.push_back(std::move(edit));
    return model_.run(wanted);
  }
};

TEST_F(Generating, GreedyTokensAreThoseOfWholeRuns) {
  const auto generation = generate<float>(model_, request());
  ASSERT_EQ(generation.tokens.size(), 8U);
  TokenIds text = prompt_;
  for (const NewToken& token : generation.tokens) {
    const auto run = whole(text, {});
    const auto last = std::as_const(run.logits).matrix().row_span(text.size() - 1);
    EXPECT_EQ(token.id, most_likely(last, 1)[0]);
    EXPECT_EQ(token.log_prob, static_cast<double>(last[static_cast<std::size_t>(token.id)]) - log_sum_exp(last));
    text.push_back(token.id);
  }
  EXPECT_FALSE(generation.effect);
  EXPECT_FALSE(generation.full);
}

TEST_F(Generating, WhatIsKeptHasTheBitsOfAWholeRun) {
  const auto generation = generate<float>(model_, request());
  test::expect_same_bits(generation.run, whole(text_of(generation.tokens), {}));
}

TEST_F(Generating, EditsOfNewTokensLeaveThePromptAlone) {
  const std::pair<const char*, const char*> edits[] = {
      {"blocks.1.hook_resid_post *= 0.5", "blocks.1.hook_resid_post[6:] *= 0.5"},
      {"blocks.*.attn.hook_k.head[1] += 1", "blocks.*.attn.hook_k[6:].head[1] += 1"},
      {"pattern.1.key[0] = zero", "pattern.1[6:].key[0] = zero"},
      {"blocks.0.hook_mlp_out = mean", "blocks.0.hook_mlp_out[6:] = mean"},
      {"blocks.0.hook_mlp_out = corrupt[2]", "blocks.0.hook_mlp_out[6:] = corrupt[2]"},
      {"blocks.2.hook_resid_pre[-1] *= 2", "blocks.2.hook_resid_pre[6:] *= 2"},  // each new one was the last
      {"blocks.2.hook_resid_pre[8,9] *= 2", "blocks.2.hook_resid_pre[8,9] *= 2"},
      {"blocks.2.hook_resid_pre[0:7] *= 2", "blocks.2.hook_resid_pre[6] *= 2"},
      {"logits.dim[5] += 100", "logits[6:].dim[5] += 100"},
  };
  for (const auto& [fresh, fixed] : edits) {
    SCOPED_TRACE(fresh);
    const auto generation = generate<float>(model_, request({fresh}));
    test::expect_same_bits(generation.run, whole(text_of(generation.tokens), {fixed}));
    ASSERT_TRUE(generation.effect);
    EXPECT_GT(generation.effect->max_change, 0);
  }
}

TEST_F(Generating, EditsOfAllRowsAreThoseOfWholeRuns) {
  for (const char* edit :
       {"blocks.1.hook_resid_post *= 0.5", "blocks.0.attn.hook_v[2] = zero", "blocks.0.hook_attn_out = corrupt",
        "pattern.2.head[0].key[0] *= 0.5", "blocks.1.hook_resid_post[-1] += 3", "pattern.0.key[-2] = zero"}) {
    SCOPED_TRACE(edit);
    const auto generation = generate<float>(model_, request({edit}, EditScope::all));
    const TokenIds text = text_of(generation.tokens);
    test::expect_same_bits(generation.run, whole(text, {edit}));
    for (std::size_t i = 0; i < generation.tokens.size(); ++i) {
      const TokenIds so_far(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(kPrompt + i));
      const auto run = whole(so_far, {edit});
      EXPECT_EQ(generation.tokens[i].id,
                most_likely(std::as_const(run.logits).matrix().row_span(so_far.size() - 1), 1)[0]);
    }
  }
}

// With every edit, values computed with the cache have the bits of a whole run, at every hook point.
TEST_F(Generating, EveryHookPointEditedBehindACacheHasTheBitsOfAWholeRun) {
  std::size_t number = 0;
  for (const Hook hook : hooks_of(model_.config())) {
    const HookInfo& info = info_of(hook);
    const std::string name = name_of(HookPoint{info.hook, info.scope == Scope::block ? 1U : 0U});
    std::vector<std::string> selectors = {""};
    if (info.has_axis(HookAxis::head)) selectors.emplace_back(".head[1]");
    if (info.has_axis(HookAxis::key)) selectors.emplace_back(".key[2,7]");
    if (!info.has_axis(HookAxis::key)) selectors.emplace_back(".dim[0]");
    for (const std::string& selector : selectors) {
      for (const char* operation : {" *= 0.5", " += 0.25"}) {
        if (!test::takes_case(number++)) continue;
        SCOPED_TRACE(name + selector + operation);
        const auto fresh = generate<float>(model_, request({name + selector + operation}));
        test::expect_same_bits(fresh.run, whole(text_of(fresh.tokens), {name + "[6:]" + selector + operation}));
        const auto all = generate<float>(model_, request({name + selector + operation}, EditScope::all));
        test::expect_same_bits(all.run, whole(text_of(all.tokens), {name + selector + operation}));
      }
    }
  }
}

TEST_F(Generating, AnEditThatMakesNaNIsNamed) {
  GenerateRequest wanted = request({"blocks.1.ln2.hook_scale = 0"});
  const std::string place =
      "an edit made numbers that are not finite, first at blocks.1.ln2.hook_normalized, position ";
  EXPECT_TRUE(refuses([&] { generate<float>(model_, wanted); }, place + "6: there is no next token"));
  wanted.scope = EditScope::all;
  EXPECT_TRUE(refuses([&] { generate<float>(model_, wanted); }, place + "0: there is no next token"));
  wanted.edits = {parse_edit("blocks.2.ln2.hook_scale[2] = 0")};  // no later value reads that row
  const auto generation = generate<float>(model_, wanted);
  ASSERT_TRUE(generation.effect && generation.effect->nonfinite);
  EXPECT_EQ(*generation.effect->nonfinite, (NonfinitePlace{{Hook::ln2_normalized, 2}, 0, 2}));
}

TEST_F(Generating, ThePlainPathGeneratesTheSame) {
  const Model reference = Model::load(folder_.path(), {Precision::fp64, 0, nullptr});
  for (const char* edit : {"blocks.1.hook_resid_post *= 0.5", "blocks.2.hook_resid_pre[-1] *= 2"}) {
    const auto fast = generate<float>(model_, request({edit}));
    const auto plain = generate<double>(reference, request({edit}));
    EXPECT_EQ(text_of(plain.tokens), text_of(fast.tokens));
    EXPECT_EQ(plain.run.rows(), kPrompt + 8);
  }
}

TEST_F(Generating, EndsWhereItIsToldOrTheContextIsFull) {
  GenerateRequest wanted = request();
  wanted.max_new = 100;
  const auto full = generate<float>(model_, wanted);
  EXPECT_EQ(full.tokens.size(), 24 - kPrompt);
  ASSERT_TRUE(full.full);
  EXPECT_EQ(full.run.rows(), 24U);
  std::size_t told = 0;
  wanted.on_token = [&](std::int32_t, double) { return ++told < 3; };
  const auto stopped = generate<float>(model_, wanted);
  EXPECT_EQ(stopped.tokens.size(), 3U);
  EXPECT_FALSE(stopped.full);
  EXPECT_EQ(stopped.run.rows(), kPrompt + 3);
}

TEST_F(Generating, SamplingFollowsTheSeed) {
  GenerateRequest wanted = request();
  wanted.sampling = {1, 0, 1, 42};
  const auto first = text_of(generate<float>(model_, wanted).tokens);
  EXPECT_EQ(text_of(generate<float>(model_, wanted).tokens), first);
  wanted.sampling.seed = 43;
  EXPECT_NE(text_of(generate<float>(model_, wanted).tokens), first);
}

TEST_F(Generating, Refusals) {
  const auto of = [&](const char* edit, EditScope scope = EditScope::fresh) {
    return [this, edit, scope] { generate<float>(model_, request({edit}, scope)); };
  };
  EXPECT_TRUE(refuses(of("resid_post.1[2] *= 2"), "acts on no position; it may act on new tokens only"));
  EXPECT_TRUE(refuses(of("resid_post.1[14] *= 2"), "position: 14 is out of range"));
  EXPECT_TRUE(refuses(of("resid_post.1 = corrupt"), "acts on no position"));
  EXPECT_TRUE(refuses(of("pattern.1.key[-1] = 0"), "keys counted from the end"));
  GenerateRequest wanted = request();
  wanted.max_new = 0;
  EXPECT_TRUE(refuses([&] { generate<float>(model_, wanted); }, "no new token is requested"));
  wanted.max_new = 1;
  wanted.prompt = TokenIds(24, 1);
  EXPECT_TRUE(refuses([&] { generate<float>(model_, wanted); }, "the prompt fills the model's context of 24"));
  wanted = request({"resid_post.1 *= 2"});
  wanted.max_new = 1;
  wanted.keep = false;
  EXPECT_TRUE(refuses([&] { generate<float>(model_, wanted); }, "a single new token is never run"));
}

}  // namespace
}  // namespace stratoscope
