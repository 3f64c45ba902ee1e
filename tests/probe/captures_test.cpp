// Captures from their text: names, positions of each text, heads.
#include "stratoscope/probe/captures.h"

#include <gtest/gtest.h>

#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

using Indices = std::vector<std::size_t>;
using test::refuses;

ModelConfig four_heads() { return test::described({3, 4, 8, 9, 9, 9}); }

std::vector<Capture> captures(const std::vector<HookExpression>& expressions, const std::vector<std::size_t>& offsets) {
  return CaptureList(expressions, four_heads()).of_texts(offsets);
}

TEST(CaptureList, PositionsCountInEachText) {
  const auto list = captures({"blocks.1.hook_resid_post[0,-1]"}, {0, 4, 5, 9});
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(name_of(list[0].at), "blocks.1.hook_resid_post");
  EXPECT_EQ(list[0].rows, (Indices{0, 3, 4, 5, 8}));
  EXPECT_FALSE(list[0].heads);
}

TEST(CaptureList, GlobsHeadsAndShorthandInFiringOrder) {
  const auto list = captures({"L2H1.pattern", "blocks.[0..1].attn.hook_z.head[0,2..3]", "resid_mid.0"}, {0, 2});
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(name_of(list[0].at), "blocks.0.attn.hook_z");
  EXPECT_EQ(list[0].heads, (Indices{0, 2, 3}));
  EXPECT_EQ(name_of(list[1].at), "blocks.0.hook_resid_mid");
  EXPECT_EQ(name_of(list[2].at), "blocks.1.attn.hook_z");
  EXPECT_EQ(name_of(list[3].at), "blocks.2.attn.hook_pattern");
  EXPECT_EQ(list[3].heads, Indices{1});
  EXPECT_FALSE(list[3].rows);
}

TEST(CaptureList, TheSameTwiceIsOnce) {
  EXPECT_EQ(captures({"resid_post.1", "blocks.*.hook_resid_post"}, {0, 2}).size(), 3U);
}

TEST(CaptureList, Refusals) {
  const auto of = [](const char* text) { return [text] { captures({text, "resid_post.1"}, {0, 4, 6}); }; };
  EXPECT_TRUE(refuses(of("resid_post.1[0]"), "captured twice, with different positions or heads"));
  EXPECT_TRUE(refuses(of("resid_pre.1.head[0]"), "blocks.1.hook_resid_pre has no axis for the selector .head[…]"));
  EXPECT_TRUE(refuses(of("pattern.1.key[0]"), "selects keys"));
  EXPECT_TRUE(refuses(of("z.1.dim[0]"), "selects dimensions"));
  EXPECT_TRUE(refuses(of("z.1.head[4]"), "head: 4 is out of range"));
  EXPECT_TRUE(refuses(of("z.1[3]"), "position: 3 is out of range; positions are 0 to 1"));
  EXPECT_TRUE(refuses(of("L1H1.head[0]"), "names heads"));
  EXPECT_TRUE(refuses(of("z.1 *= 2"), "the name should end here"));
  EXPECT_TRUE(refuses(of("z.1["), "this bracket is not closed"));
}

}  // namespace
}  // namespace stratoscope
