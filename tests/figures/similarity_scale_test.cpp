#include "stratoscope/figures/similarity_scale.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace stratoscope {
namespace {

std::vector<double> with_low_ones(std::size_t low, std::size_t all, double value) {
  std::vector<double> values(all, 0.9);
  std::fill_n(values.begin(), low, value);
  return values;
}

TEST(SimilarityScale, KeepsThePreferredRangeWithoutAWord) {
  std::string note = "old";
  const ColorScale scale = similarity_scale(with_low_ones(0, 100, 0), 0.8, &note);
  EXPECT_EQ(scale.low, 0.8);
  EXPECT_EQ(scale.high, 1);
  EXPECT_EQ(scale.title, "cosine similarity");
  EXPECT_EQ(note, "");
}

TEST(SimilarityScale, ATenthMayBeClippedAndIsCounted) {
  std::string note;
  EXPECT_EQ(similarity_scale(with_low_ones(10, 100, 0.31), 0.8, &note).low, 0.8);
  EXPECT_EQ(note, "10 of 100 values lie below 0.8 and have the lowest colour.");
}

TEST(SimilarityScale, FitsTheDataWhenMoreThanATenthWouldBeClipped) {
  std::string note;
  const ColorScale scale = similarity_scale(with_low_ones(11, 100, 0.31), 0.8, &note);
  EXPECT_NEAR(scale.low, 0.3, 1e-12);
  EXPECT_EQ(note, "Colours run from 0.3 to 1, the range of the data: 11 of 100 values lie below the usual 0.8.");
}

TEST(SimilarityScale, CountsFiniteValuesAlone) {
  std::vector<double> values = with_low_ones(10, 100, 0.31);
  values.insert(values.end(), 500, NAN);
  values.push_back(0.2);
  EXPECT_LT(similarity_scale(values, 0.8, nullptr).low, 0.3);
  EXPECT_EQ(similarity_scale({}, 0.5, nullptr).low, 0.5);
}

TEST(SignedScale, IsCentredOnZero) {
  const std::vector<double> values{-3, 1, NAN};
  const ColorScale scale = signed_scale(values, "change (nats)");
  EXPECT_EQ(scale.map, ColorMap::diverging);
  EXPECT_EQ(scale.low, -3);
  EXPECT_EQ(scale.high, 3);
  EXPECT_LT(signed_scale({}, "").low, signed_scale({}, "").high);
}

}  // namespace
}  // namespace stratoscope
