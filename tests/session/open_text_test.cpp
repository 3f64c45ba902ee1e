// Open texts against the experiments that run them again: the same bits.
#include "stratoscope/session/open_text.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "tests/support/built_in_model.h"

namespace stratoscope {
namespace {

using test::built_in;

const std::vector<std::vector<EditExpression>> kEditLists = {
    {"blocks.3.hook_resid_post *= 0.5"},
    {"blocks.3.hook_resid_pre[2:] += 0.25"},
    {"hook_embed[1] = zero"},
    {"hook_embed *= 2", "blocks.5.attn.hook_pattern.head[1] = zero"},
    {"L2H1 = mean", "blocks.11.hook_mlp_out[-1] *= 3"},
    {"blocks.11.hook_resid_post *= 2", "unembed.hook_in[1:] += 0.5"},
    {"logits[2:].dim[11] += 30"},
    {"ln_final.hook_scale[3] *= 2"},
};

Run<float> whole_run(const Text& text, const std::vector<EditExpression>& edits, std::vector<HookPoint> points = {}) {
  RunRequest request;
  request.captures = captures_of(points);
  EditedRun run = run_text(built_in(), text, {edits, std::nullopt}, std::move(request));
  return std::move(std::get<Run<float>>(run.run));
}

void expect_same(std::span<const float> a, std::span<const float> b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size_bytes()), 0);
}

TEST(OpenText, ItsRunsHaveTheBitsOfWholeOnes) {
  OpenText open(built_in(), test::kPenguins);
  expect_same(open.run(Which::clean).hidden_states.values(), whole_run(open.text(), {}).hidden_states.values());
  for (const auto& edits : kEditLists) {
    SCOPED_TRACE(edits[0].text);
    open.set_edits({edits, std::nullopt});
    expect_same(open.run(Which::edited).hidden_states.values(), whole_run(open.text(), edits).hidden_states.values());
    expect_same(open.run(Which::clean).hidden_states.values(), whole_run(open.text(), {}).hidden_states.values());
  }
}

TEST(OpenText, ItsLogitsHaveTheBitsOfWholeRuns) {
  OpenText open(built_in(), test::kPenguins);
  const std::size_t last = built_in().config().n_layers();
  std::vector<std::size_t> all(open.positions());
  std::iota(all.begin(), all.end(), 0);
  const Tensor clean = whole_run(open.text(), {}).logits;
  expect_same(open.last_logits(1).values(), clean.matrix().row_span(1));
  for (const auto& edits : kEditLists) {
    SCOPED_TRACE(edits[0].text);
    open.set_edits({edits, std::nullopt});
    const auto whole = whole_run(open.text(), edits);
    expect_same(open.logits(Which::edited, last, all).values(), whole.logits.values());
    for (const std::size_t position : {std::size_t{0}, open.positions() - 1})
      expect_same(open.logits(Which::edited, last, std::vector{position}).values(),
                  whole.logits.matrix().row_span(position));
    const Tensor both = open.last_logits(all.back());
    ASSERT_EQ(both.shape()[0], 2U);
    expect_same(both.matrix().row_span(0), clean.matrix().row_span(all.back()));
    expect_same(both.matrix().row_span(1), whole.logits.matrix().row_span(all.back()));
  }
}

TEST(OpenText, ItsPatternsHaveTheBitsOfWholeRuns) {
  OpenText open(built_in(), test::kPenguins);
  for (const auto& edits : kEditLists) {
    SCOPED_TRACE(edits[0].text);
    open.set_edits({edits, std::nullopt});
    for (const std::size_t layer : {0, 3, 5}) {
      const HookPoint point{Hook::pattern, layer};
      const auto whole = whole_run(open.text(), edits, {point});
      expect_same(open.patterns(Which::edited, layer).values(), whole.value(point).values());
      expect_same(open.patterns(Which::edited, layer, {1}).values(),
                  whole.value(point).values().subspan(open.positions() * open.positions(),
                                                      open.positions() * open.positions()));
    }
  }
}

TEST(OpenText, AWrongEditLeavesThoseOfBefore) {
  OpenText open(built_in(), test::kPenguins);
  open.set_edits({{"blocks.3.hook_resid_post *= 0.5"}, std::nullopt});
  EXPECT_THROW(open.set_edits({{"blocks.99.hook_resid_post *= 0.5"}, std::nullopt}), Error);
  EXPECT_TRUE(open.has_edits());
  expect_same(open.run(Which::edited).hidden_states.values(),
              whole_run(open.text(), {"blocks.3.hook_resid_post *= 0.5"}).hidden_states.values());
  open.set_edits({});
  EXPECT_FALSE(open.has_edits());
  EXPECT_EQ(&open.run(Which::edited), &open.run(Which::clean));
}

TEST(OpenText, TheReferenceHoldsNoTextsOpen) {
  EXPECT_THROW(OpenText(built_in(Precision::fp64), test::kPenguins), Error);
}

}  // namespace
}  // namespace stratoscope
