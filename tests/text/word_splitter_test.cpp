#include "stratoscope/text/word_splitter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

std::vector<std::string> words_of(std::string_view text, std::string_view pattern = kGpt2WordPattern) {
  const WordSplitter splitter(pattern);
  WordSplitter::Words words(splitter, text);
  std::vector<std::string> all;
  for (std::string_view word = words.next(); !word.empty(); word = words.next()) all.emplace_back(word);
  return all;
}

using Words = std::vector<std::string>;

TEST(WordSplitter, Gpt2Words) {
  EXPECT_EQ(words_of(""), Words{});
  EXPECT_EQ(words_of("Don't 12 go..."), (Words{"Don", "'t", " 12", " go", "..."}));
  EXPECT_EQ(words_of("a   b\n\nc  "), (Words{"a", "  ", " b", "\n", "\n", "c", "  "}));
  EXPECT_EQ(words_of("caf\u00e9 \u4e2d\u6587\u0663x"), (Words{"caf\u00e9", " \u4e2d\u6587", "\u0663", "x"}));
  EXPECT_EQ(words_of("a\u00a0\u3000b"), (Words{"a", "\u00a0", "\u3000", "b"}));
  EXPECT_EQ(words_of("a\u180eb"), (Words{"a", "\u180e", "b"}));  // no space since Unicode 6.3
}

TEST(WordSplitter, OtherPatterns) {
  EXPECT_EQ(words_of("ab\u00e912 x", "[\\p{L}\\p{N}]+|\\S|\\s"), (Words{"ab\u00e912", " ", "x"}));
  EXPECT_EQ(words_of("a-\u2014b c", "[\\S]+"), (Words{"a-\u2014b", " ", "c"}));
  EXPECT_EQ(words_of("a]b[c", "\\]|[b\\[]"), (Words{"a", "]", "b", "[", "c"}));
}

TEST(WordSplitter, WhatNothingMatchesIsAWord) {
  EXPECT_EQ(words_of("--ab--\u00e9-", "\\p{L}+"), (Words{"--", "ab", "--", "\u00e9", "-"}));
  EXPECT_EQ(words_of("aab", "b?"), (Words{"aa", "b"}));
}

TEST(WordSplitter, PatternsItCannotFollowAreRefused) {
  for (const char* pattern :
       {"\\p{Lu}", "\\P{L}", "\\w", "\\d", "(?i:a)", "[]\\s]", "[^]]", "[[:alpha:]]", "\u00e9", "(", "[a", "\\"})
    EXPECT_THROW(WordSplitter{pattern}, Error) << pattern;
}

}  // namespace
}  // namespace stratoscope
