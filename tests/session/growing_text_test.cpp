// The visible part of a growing text: whole characters, never a stop text or the beginning of one.
#include "stratoscope/session/growing_text.h"

#include <gtest/gtest.h>

#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

TEST(GrowingText, CharactersAreShownWhole) {
  GrowingText text({});
  EXPECT_EQ(text.add("a\xE2"), "a");
  EXPECT_EQ(text.add("\x82"), "");
  EXPECT_EQ(text.add("\xAC!"), "€!");
  EXPECT_EQ(text.add("\xF0\x9F\x90"), "");
  EXPECT_EQ(text.rest(), "\uFFFD");
  EXPECT_EQ(text.shown(), "a€!\uFFFD");
}

TEST(GrowingText, BrokenBytesAreNotHeldForEver) {
  GrowingText text({});
  EXPECT_EQ(text.add("\x80\x80\x80\x80x"), "\uFFFD\uFFFD\uFFFD\uFFFDx");
}

TEST(GrowingText, EndsBeforeTheFirstStop) {
  GrowingText text({"END", "\n\n"});
  EXPECT_EQ(text.add("one E"), "one ");
  EXPECT_EQ(text.add("N"), "");
  EXPECT_EQ(text.add("d\n"), "ENd");
  EXPECT_EQ(text.add("x\n"), "\nx");
  EXPECT_EQ(text.add("\nEND"), "");
  EXPECT_TRUE(text.stopped());
  EXPECT_EQ(text.add("more") + text.rest(), "");
  EXPECT_EQ(text.shown(), "one ENd\nx");
}

TEST(GrowingText, HowTheBytesArriveMakesNoDifference) {
  const std::string whole = "Zoë’s naïve 🐧 said: stop, st, sto, stop here, and more";
  test::Random random(5);
  for (int round = 0; round < 200; ++round) {
    GrowingText text({"stop here"});
    std::string seen;
    for (std::size_t i = 0; i < whole.size();) {
      const std::size_t count = 1 + random.below(5);
      seen += text.add(std::string_view{whole}.substr(i, count));
      i += count;
    }
    EXPECT_EQ(seen + text.rest(), "Zoë’s naïve 🐧 said: stop, st, sto, ");
  }
}

TEST(GrowingText, AnEmptyStopIsRefused) {
  EXPECT_TRUE(test::refuses([] { GrowingText text({""}); }, "a stop text is empty"));
}

}  // namespace
}  // namespace stratoscope
