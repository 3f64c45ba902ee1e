// One token chosen from a text: with added tokens, and with words that begin or end within tokens.
#include "stratoscope/session/token_choice.h"

#include <gtest/gtest.h>

#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::built_in;
using test::refuses;

TEST(TokenChoice, DigitsAreAnIndexAndAllElseIsAWord) {
  for (const char* index : {"0", "-1", "007", "12"}) {
    EXPECT_EQ(TokenChoice(index).index, Index::parse(index, "token")) << index;
    EXPECT_EQ(TokenChoice(index).word, "");
  }
  for (const char* word : {"", "-", "1.5", " 1", "1st", "--1", "A"}) {
    EXPECT_FALSE(TokenChoice(word).index) << word;
    EXPECT_EQ(TokenChoice(word).word, word);
  }
  EXPECT_EQ(TokenChoice(Index(-2)).index, Index(-2));
}

TEST(TokenChoice, AddedTokensCountAndStandForNoWord) {
  const Text plain = built_in().read(test::kPenguins);
  const Text with_bos = built_in().read(test::kPenguins, {AddedTokens::beginning});
  ASSERT_EQ(with_bos.before, 1U);
  for (const char* word : {"A", "wise", "cute"})
    EXPECT_EQ(choose_token(with_bos, word), choose_token(plain, word) + 1) << word;
  EXPECT_EQ(choose_token(with_bos, Index(0)), 0U);
  EXPECT_EQ(choose_token(with_bos, Index(-1)), plain.ids.size());
  EXPECT_TRUE(refuses([&] { choose_token(with_bos, with_bos.tokens[0]); }, "is neither an index nor a word"));
}

TEST(TokenChoice, AWordBeginsAndEndsWithTokens) {
  const Text text = built_in().read(test::kPenguins);
  for (const char* part : {"ise", "wis", "wise ma", "uins"})
    EXPECT_TRUE(refuses([&] { choose_token(text, part); }, "is neither an index nor a word")) << part;
  EXPECT_EQ(text.tokens[choose_token(text, "wise man once")], " once");
  EXPECT_EQ(text.tokens[choose_token(text, "said:")], ":");
  EXPECT_EQ(choose_token(text, test::kPenguins), text.ids.size() - 1) << "the whole text";
}

TEST(TokenChoice, WithoutOneItIsTheNinthTokenOrTheLast) {
  EXPECT_EQ(choose_token(built_in().read("Yes"), std::nullopt), built_in().read("Yes").ids.size() - 1);
  const std::string nine = "A wise man once said: Penguins are cute";
  ASSERT_EQ(built_in().read(nine).ids.size(), 9U);
  for (const std::string& text : {nine, nine + "."}) EXPECT_EQ(choose_token(built_in().read(text), std::nullopt), 8U);
}

}  // namespace
}  // namespace stratoscope
