#include "stratoscope/figures/text.h"

#include <gtest/gtest.h>

namespace stratoscope {
namespace {

TEST(PlainText, ShowsBreaksAndTabsAsSigns) {
  EXPECT_EQ(plain_text("a\nb\r\nc\rd"), "a↵b↵c↵d");
  EXPECT_EQ(plain_text("a\tb"), "a⇥b");
  EXPECT_EQ(plain_text("\r\n\n"), "↵↵");
}

TEST(PlainText, ReplacesWhatNoPictureCanHold) {
  EXPECT_EQ(plain_text("a\x01\x7f"), "a��");
  EXPECT_EQ(plain_text("\xe2\x80\xae"), "�");  // right-to-left override. NOLINT(misc-misleading-bidirectional)
  EXPECT_EQ(plain_text("\xef\xbf\xbf"), "�");  // U+FFFF, which XML forbids
}

TEST(PlainText, ReplacesBrokenUtf8ByteByByte) {
  EXPECT_EQ(plain_text("\xff"), "�");
  EXPECT_EQ(plain_text("\xc3"), "�");
  EXPECT_EQ(plain_text("\xc0\x80"), "��");            // overlong
  EXPECT_EQ(plain_text("\xed\xa0\x80"), "���");       // surrogate
  EXPECT_EQ(plain_text("\xf4\x90\x80\x80"), "����");  // beyond U+10FFFF
}

TEST(PlainText, KeepsEveryOtherScript) { EXPECT_EQ(plain_text("é ж 漢 😀 “ cute”"), "é ж 漢 😀 “ cute”"); }

TEST(Shorten, KeepsWhatFitsAndEndsTheRestInDots) {
  EXPECT_EQ(shorten("L11", 100, 11), "L11");
  EXPECT_EQ(shorten("", 0, 11), "");
  const std::string cut = shorten(std::string(100, 'n'), 60, 11);
  EXPECT_TRUE(cut.ends_with("…"));
  EXPECT_LE(text_width(cut, 11), 60);
  EXPECT_TRUE(shorten("“ antidisestablishmentarianism”", 90, 11).ends_with("…”"));
}

TEST(Shorten, NeverCutsACharacterInTwo) {
  for (int width = 5; width < 80; ++width) {
    const std::string cut = shorten("漢字漢字漢字漢字", width, 11);
    EXPECT_EQ(plain_text(cut), cut);
    EXPECT_EQ(cut.find("�"), std::string::npos);
  }
}

TEST(Wrap, BreaksAtSpacesAndLosesNothing) {
  const std::string text = "one two three four five six seven";
  std::string joined;
  for (const std::string& line : wrap(text, 80, 11)) {
    EXPECT_LE(text_width(line, 11), 80);
    joined += (joined.empty() ? "" : " ") + line;
  }
  EXPECT_EQ(joined, text);
  EXPECT_TRUE(wrap("", 80, 11).empty());
}

TEST(Wrap, NeverBreaksInsideAQuotedToken) {
  const std::string text = "log probability of “ insect” after “ bed” and “a b” is “  ” scaled";
  for (int width = 90; width < 400; ++width) {
    std::string joined;
    for (const std::string& line : wrap(text, width, 11)) {
      const auto has = [&](const char* part) { return line.find(part) != std::string::npos; };
      EXPECT_EQ(has("“"), has("”")) << line;
      joined += (joined.empty() ? "" : " ") + line;
    }
    EXPECT_EQ(joined, text);
  }
}

TEST(Wrap, BreaksAQuotationThatIsWiderThanALine) {
  const auto lines = wrap("text “ one two three four five ” and an “ open end", 80, 11);
  EXPECT_EQ(lines[0], "text “ one");
  std::string joined;
  for (const std::string& line : lines) joined += (joined.empty() ? "" : " ") + line;
  EXPECT_EQ(joined, "text “ one two three four five ” and an “ open end");
}

TEST(EscapeHtml, LeavesNoMarkup) {
  EXPECT_EQ(escape_html("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

}  // namespace
}  // namespace stratoscope
