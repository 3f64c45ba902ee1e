// Lists of indices, and NumPy's evenly spaced ones.
#include "stratoscope/probe/indices.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using Indices = std::vector<std::size_t>;
using test::refuses;

TEST(Indices, SingleRangesAndLists) {
  const auto of = [](const char* text) { return parse_indices(text, 12, "token"); };
  EXPECT_EQ(of("3"), (Indices{3}));
  EXPECT_EQ(of("-1"), (Indices{11}));
  EXPECT_EQ(of(" 2 , 0,2 "), (Indices{2, 0, 2}));
  EXPECT_EQ(of("2:5"), (Indices{2, 3, 4}));
  EXPECT_EQ(of("-2:"), (Indices{10, 11}));
  EXPECT_EQ(of(":2"), (Indices{0, 1}));
  EXPECT_EQ(of("10:12"), (Indices{10, 11}));
  EXPECT_EQ(of("0..2"), (Indices{0, 1, 2}));
  EXPECT_EQ(of("-3..-1"), (Indices{9, 10, 11}));
  EXPECT_EQ(of("9..11,0"), (Indices{9, 10, 11, 0}));
  EXPECT_EQ(of("all").size(), 12U);
  EXPECT_EQ(of(":").size(), 12U);
  EXPECT_EQ(parse_index_set("5,-12,5,1..2", 12, "token"), (Indices{0, 1, 2, 5}));
  EXPECT_EQ(Index::parse(" -12 ", "token").in(12, "token"), 0U);
}

TEST(Indices, RefusalsGiveTheValidRange) {
  const auto of = [](const char* text) { return [text] { parse_indices(text, 12, "token"); }; };
  EXPECT_TRUE(refuses(of("12"), "token: 12 is out of range; tokens are 0 to 11, or -12 to -1"));
  EXPECT_TRUE(refuses(of("-13"), "-13 is out of range"));
  EXPECT_TRUE(refuses(of("0..12"), "12 is out of range"));
  EXPECT_TRUE(refuses(of("0:13"), "13 is out of range"));
  EXPECT_TRUE(refuses(of("5:5"), "the range '5:5' is empty"));
  EXPECT_TRUE(refuses(of("5..4"), "the range '5..4' is empty"));
  EXPECT_TRUE(refuses(of(""), "has an empty place"));
  EXPECT_TRUE(refuses(of("1,,2"), "has an empty place"));
  EXPECT_TRUE(refuses(of("1,"), "has an empty place"));
  for (const char* text : {"x", "1.5", "1e3", "+1", "0x1", "1 2", "99999999999999999999", "--1", "..", "1..", "a:b"})
    EXPECT_TRUE(refuses(of(text), "is not an index")) << text;
  EXPECT_TRUE(refuses([] { parse_indices("0", 0, "token"); }, "there is no token"));
  EXPECT_TRUE(refuses([] { parse_indices("all", 0, "token"); }, "is empty"));
}

TEST(Indices, EvenlySpacedAreNumPysLinspaceTruncated) {
  EXPECT_EQ(evenly_spaced(10, 4), (Indices{0, 3, 6, 9}));
  EXPECT_EQ(evenly_spaced(13, 4), (Indices{0, 4, 8, 12}));
  EXPECT_EQ(evenly_spaced(12, 4), (Indices{0, 3, 7, 11}));
  EXPECT_EQ(evenly_spaced(3, 4), (Indices{0, 1, 2}));
  EXPECT_EQ(evenly_spaced(1, 4), (Indices{0}));
  EXPECT_EQ(evenly_spaced(7, 1), (Indices{0}));
  EXPECT_TRUE(evenly_spaced(0, 4).empty());
  EXPECT_TRUE(evenly_spaced(4, 0).empty());
  // numpy: arange(num) * (stop / (num - 1)), the last one the stop itself, truncated.
  for (std::size_t count = 1; count <= 2000; ++count)
    for (const std::size_t wanted : {2U, 3U, 4U, 7U, 13U}) {
      Indices expected;
      for (std::size_t i = 0; i < wanted; ++i) {
        const double value = i + 1 == wanted ? static_cast<double>(count - 1)
                                             : static_cast<double>(i) *
                                                   (static_cast<double>(count - 1) / static_cast<double>(wanted - 1));
        const auto index = static_cast<std::size_t>(std::trunc(value));
        if (expected.empty() || expected.back() != index) expected.push_back(index);
      }
      ASSERT_EQ(evenly_spaced(count, wanted), expected) << wanted << " of " << count;
    }
}

}  // namespace
}  // namespace stratoscope
