// Tokenisations of different lengths side by side.
#include "stratoscope/session/alignment.h"

#include <gtest/gtest.h>

#include <random>
#include <sstream>
#include <string>

namespace stratoscope {
namespace {

Text text_of(const std::string& letters) {
  Text text;
  for (const char letter : letters) {
    text.ids.push_back(letter);
    text.tokens.emplace_back(1, letter);
  }
  return text;
}

std::string beside(const std::string& left, const std::string& right) {
  return side_by_side(text_of(left), text_of(right));
}

TEST(Alignment, CommonTokensShareALine) {
  EXPECT_EQ(beside("abc", "axxbc"),
            "     0  “a”     0  “a”\n"
            "                1  “x”\n"
            "                2  “x”\n"
            "     1  “b”     3  “b”\n"
            "     2  “c”     4  “c”\n");
}

TEST(Alignment, TokensInEachOthersPlaceShareALineToo) {
  EXPECT_EQ(beside("aycd", "axxd"),
            "     0  “a”     0  “a”\n"
            "     1  “y”     1  “x”\n"
            "     2  “c”     2  “x”\n"
            "     3  “d”     3  “d”\n");
}

TEST(Alignment, OneSideMayEndFirst) {
  EXPECT_EQ(beside("ab", "a"),
            "     0  “a”     0  “a”\n"
            "     1  “b”\n");
  EXPECT_EQ(beside("", "a"), "             0  “a”\n");
  EXPECT_EQ(beside("", ""), "");
}

TEST(Alignment, EveryTokenStandsOnceInItsOrder) {
  std::minstd_rand random(1);
  const auto letters = [&] {
    std::string text(random() % 9, ' ');
    for (char& letter : text) letter = static_cast<char>('a' + random() % 3);
    return text;
  };
  const std::string quote = "“";
  constexpr std::size_t kLeft = 8;  // the column of the left tokens
  for (int i = 0; i < 200; ++i) {
    const std::string left = letters(), right = letters(), lines = beside(left, right);
    std::string found_left, found_right;
    std::istringstream stream(lines);
    for (std::string line; std::getline(stream, line);) {
      if (line.compare(kLeft, quote.size(), quote) == 0) found_left += line[kLeft + quote.size()];
      if (const auto at = line.rfind(quote); at != kLeft) found_right += line[at + quote.size()];
    }
    EXPECT_EQ(found_left, left) << lines;
    EXPECT_EQ(found_right, right) << lines;
  }
}

}  // namespace
}  // namespace stratoscope
