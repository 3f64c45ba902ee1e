#include "stratoscope/text/regular_expression.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

// The matches, and the texts between them.
std::vector<std::string> words_of(const std::string& text, std::string_view pattern = kGpt2WordPattern) {
  const RegularExpression expression(pattern);
  RegularExpression::Search search(expression, text);
  search.set_part(0, text.size());
  std::vector<std::string> all;
  std::size_t end = 0;
  const auto add = [&](std::size_t first, std::size_t last) {
    if (first < last) all.push_back(text.substr(first, last - first));
  };
  while (const auto match = search.next()) {
    add(end, match->first);
    add(match->first, match->second);
    end = match->second;
  }
  add(end, text.size());
  return all;
}

using Words = std::vector<std::string>;

TEST(RegularExpression, Gpt2Words) {
  EXPECT_EQ(words_of(""), Words{});
  EXPECT_EQ(words_of("Don't 12 go..."), (Words{"Don", "'t", " 12", " go", "..."}));
  EXPECT_EQ(words_of("a   b\n\nc  "), (Words{"a", "  ", " b", "\n", "\n", "c", "  "}));
  EXPECT_EQ(words_of("caf\u00e9 \u4e2d\u6587\u0663x"), (Words{"caf\u00e9", " \u4e2d\u6587", "\u0663", "x"}));
  EXPECT_EQ(words_of("a\u00a0\u3000b"), (Words{"a", "\u00a0", "\u3000", "b"}));
  EXPECT_EQ(words_of("a\u180eb"), (Words{"a", "\u180e", "b"}));  // no space since Unicode 6.3
}

TEST(RegularExpression, OtherPatterns) {
  EXPECT_EQ(words_of("ab\u00e912 x", "[\\p{L}\\p{N}]+|\\S|\\s"), (Words{"ab\u00e912", " ", "x"}));
  EXPECT_EQ(words_of("a-\u2014b c", "[\\S]+"), (Words{"a-\u2014b", " ", "c"}));
  EXPECT_EQ(words_of("a]b[c", "\\]|[b\\[]"), (Words{"a", "]", "b", "[", "c"}));
}

TEST(RegularExpression, CategoriesAndTheirNegations) {
  EXPECT_EQ(words_of("aB\u01c5\u02b0\u4e2d", "\\p{Lu}"), (Words{"a", "B", "\u01c5\u02b0\u4e2d"}));
  EXPECT_EQ(words_of("aB\u01c5\u02b0\u4e2d", "\\p{Lt}|\\p{Lm}"), (Words{"aB", "\u01c5", "\u02b0", "\u4e2d"}));
  EXPECT_EQ(words_of("a\u0301\u00e9!", "[\\p{L}\\p{M}]+"), (Words{"a\u0301\u00e9", "!"}));
  EXPECT_EQ(words_of("a!\u2014+b", "[^\\p{P}]+"), (Words{"a", "!\u2014", "+b"}));
  EXPECT_EQ(words_of("a1\u0663\u2163b", "\\d+"), (Words{"a", "1\u0663", "\u2163b"}));
  EXPECT_EQ(words_of("a1\u2014b", "\\P{L}+"), (Words{"a", "1\u2014", "b"}));
  EXPECT_EQ(words_of("a1\u2014b", "\\p{^L}+"), (Words{"a", "1\u2014", "b"}));
  EXPECT_EQ(words_of("a_\u0301 \u24b6-", "\\w+"), (Words{"a_\u0301", " ", "\u24b6", "-"}));
}

TEST(RegularExpression, CharactersBeyondAscii) {
  EXPECT_EQ(words_of("a\u4e00\u9fa5\u9fa6b", "[\u4e00-\u9fa5]+"), (Words{"a", "\u4e00\u9fa5", "\u9fa6b"}));
  EXPECT_EQ(words_of("a\u3002\u3001b", "\u3002"), (Words{"a", "\u3002", "\u3001b"}));
  EXPECT_EQ(words_of("a\u3002\u3001b", "\\u3001"), (Words{"a\u3002", "\u3001", "b"}));
  EXPECT_EQ(words_of("a\U0001f600b", "\\x{1F600}"), (Words{"a", "\U0001f600", "b"}));
  EXPECT_EQ(words_of("ab (\u3002.c", " ?[^(\\s|[.,\u2026\u3002])]+"), (Words{"ab", " (\u3002.", "c"}));
}

TEST(RegularExpression, EitherCase) {
  EXPECT_EQ(words_of("x'Sy'\u017fz's", "(?i:'s)"), (Words{"x", "'S", "y", "'\u017f", "z", "'s"}));
  EXPECT_EQ(words_of("kK\u212aSs", "(?i:k)+"), (Words{"kK\u212a", "Ss"}));
}

TEST(RegularExpression, IntervalsLinesAndLookaround) {
  EXPECT_EQ(words_of("12345", "\\p{N}{1,3}"), (Words{"123", "45"}));
  EXPECT_EQ(words_of("aaab", "a{,2}b"), (Words{"a", "aab"}));
  EXPECT_EQ(words_of("ab\nab", "^a"), (Words{"a", "b\n", "a", "b"}));
  EXPECT_EQ(words_of("ab.\n", ".+"), (Words{"ab.", "\n"}));
  EXPECT_EQ(words_of("ab cb", "(?<=a)b|(?<! )c"), (Words{"a", "b", " cb"}));
}

TEST(RegularExpression, PartsAreTextsOfTheirOwn) {
  const RegularExpression expression("^b|(?<=a)b");
  const std::string text = "\u00e9ab b";
  RegularExpression::Search search(expression, text);
  using Place = std::optional<std::pair<std::size_t, std::size_t>>;
  search.set_part(2, 4);
  EXPECT_EQ(search.next(), Place(std::pair(3, 4)));
  EXPECT_EQ(search.next(), std::nullopt);
  search.set_part(5, 6);
  EXPECT_EQ(search.next(), Place(std::pair(5, 6)));
}

TEST(RegularExpression, WhatNothingMatchesIsKept) {
  EXPECT_EQ(words_of("--ab--\u00e9-", "\\p{L}+"), (Words{"--", "ab", "--", "\u00e9", "-"}));
  EXPECT_EQ(words_of("aab", "b?"), (Words{"a", "a", "b"}));  // an empty match cuts
}

TEST(RegularExpression, WhatIsNotImplementedIsRefused) {
  for (const char* pattern :
       {"\\p{Greek}",  "\\p{",   "\\h",     "\\b",   "(?i)a",   "(?i:[a-z])", "(?i:\u00e9)", "[]\\s]", "[^]]",
        "[[:alpha:]]", "[a&&b]", "[a-\\d]", "[b-a]", "a{1,3}+", "a{x}",       "(?<name>a)",  "\\1",    "\\u12",
        "\\x{110000}", "(",      ")",       "[a",    "\\",      "*",          "(*VERB)"})
    EXPECT_THROW(RegularExpression{pattern}, Error) << pattern;
  EXPECT_THROW(RegularExpression{std::string(100'000, '(')}, Error);
  EXPECT_THROW(RegularExpression{std::string(100'000, '[')}, Error);
}

}  // namespace
}  // namespace stratoscope
