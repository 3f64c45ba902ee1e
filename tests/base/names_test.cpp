#include "stratoscope/base/names.h"

#include <gtest/gtest.h>

namespace stratoscope {
namespace {

using Names = std::vector<std::string>;

TEST(InQuotes, ShowsPlainTextAsItIs) {
  EXPECT_EQ(in_quotes("wte.weight"), "'wte.weight'");
  EXPECT_EQ(in_quotes(""), "''");
  EXPECT_EQ(in_quotes("Käfer"), "'Käfer'");
}

TEST(InQuotes, WritesControlCharactersOut) {
  EXPECT_EQ(in_quotes("a\nb\x1b[31m\x7f"), "'a\\x0ab\\x1b[31m\\x7f'");
  EXPECT_EQ(in_quotes(std::string_view("\0", 1)), "'\\x00'");
}

TEST(InQuotes, CutsLongTextAtACharacter) {
  EXPECT_EQ(in_quotes(std::string(80, 'x')), "'" + std::string(80, 'x') + "'");
  EXPECT_EQ(in_quotes(std::string(81, 'x')), "'" + std::string(80, 'x') + "…'");
  // The two bytes of ä would be the 80th and 81st.
  EXPECT_EQ(in_quotes(std::string(79, 'x') + "äää"), "'" + std::string(79, 'x') + "…'");
}

TEST(NearestNames, NearestFirstAndInOrderWhereEquallyNear) {
  const Names candidates = {"hook_resid_post", "hook_resid_mid", "hook_resid_pre", "hook_embed"};
  EXPECT_EQ(nearest_names("hook_resid_pro", candidates),
            (Names{"hook_resid_pre", "hook_resid_post", "hook_resid_mid"}));
  EXPECT_EQ(nearest_names("hook_resid_pro", candidates, 1), Names{"hook_resid_pre"});
}

TEST(NearestNames, NothingIsNearToAForeignName) {
  EXPECT_TRUE(nearest_names("zebra", {"hook_embed", "logits"}).empty());
  EXPECT_TRUE(nearest_names("zebra", {}).empty());
}

TEST(DidYouMean, ReadsLikeAQuestion) {
  EXPECT_EQ(did_you_mean("ab", {"abc"}), "did you mean 'abc'?");
  EXPECT_EQ(did_you_mean("ab", {"abc", "abd"}), "did you mean 'abc' or 'abd'?");
  EXPECT_EQ(did_you_mean("ab", {"abc", "abd", "abe", "abf"}), "did you mean 'abc', 'abd' or 'abe'?");
  EXPECT_EQ(did_you_mean("ab", {"zebra"}), "");
}

}  // namespace
}  // namespace stratoscope
