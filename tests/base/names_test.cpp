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

TEST(WithoutControls, ShowsWhateverCommandsATerminal) {
  EXPECT_EQ(without_controls("a\x1b]0;b\x07\x7f"), "a\\x1b]0;b\\x07\\x7f");
  EXPECT_EQ(without_controls("\u009b31m\u0080\u00a0"), "\\xc2\\x9b31m\\xc2\\x80\u00a0");
  EXPECT_EQ(without_controls("\u202eabc\u2066\u2069\u200f\u2028"),
            "\\xe2\\x80\\xaeabc\\xe2\\x81\\xa6\\xe2\\x81\\xa9\\xe2\\x80\\x8f\\xe2\\x80\\xa8");
  EXPECT_EQ(without_controls("a\nb\tc\r", "\n\t"), "a\nb\tc\\x0d");
  EXPECT_EQ(without_controls("Größe 猫 🐧 \u200d e\u0301"), "Größe 猫 🐧 \u200d e\u0301");
}

TEST(WithoutControls, ShowsWhatIsNoUtf8) {
  EXPECT_EQ(without_controls("\x9b"
                             "31m"),
            "\\x9b31m");  // a command for terminals that read single bytes
  EXPECT_EQ(without_controls("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(without_controls("\xc0\x9b\xed\xa0\x80\xf4\x90\x80\x80"), "\\xc0\\x9b\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
}

TEST(Shortened, LosesItsMiddle) {
  EXPECT_EQ(shortened("abc", 10), "abc");
  EXPECT_EQ(shortened("abcdefghijklmnopqrstuvwxyz", 14), "abcdef … xyz");
  for (std::size_t most = 8; most < 40; ++most) {
    const std::string text = shortened("ääääääääääääääääääääääääääää", most);
    EXPECT_LE(text.size(), most);
    EXPECT_EQ(without_controls(text), text) << "cut within a character";
  }
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
