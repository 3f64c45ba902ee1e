#include "stratoscope/figures/scatter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "stratoscope/figures/layout.h"
#include "tests/figures/sample_figures.h"

namespace stratoscope {
namespace {

TEST(Jitter, FollowsTheReferenceSequence) {
  Jitter jitter(1234567);
  EXPECT_EQ(jitter.next(), 6457827717110365317U);
  EXPECT_EQ(jitter.next(), 3203168211198807973U);
}

TEST(Scatter, KeepsEachPointInItsColumnAndItsValue) {
  const Figure figure = sample::activations(5, 40);
  const Scatters scatters = scatter(figure);
  const auto& wanted = std::get<JitteredPoints>(figure.panels[0].marks[0]).columns;
  const auto& columns = scatters.panels[0][0].columns;
  ASSERT_EQ(columns.size(), 5U);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    ASSERT_EQ(columns[i].size(), wanted[i].size());
    for (std::size_t k = 0; k < columns[i].size(); ++k) {
      EXPECT_LE(std::abs(columns[i][k].first - static_cast<double>(i)), 0.32);
      EXPECT_EQ(columns[i][k].second, wanted[i][k]);
    }
  }
  EXPECT_EQ(scatters.note(), "");
}

TEST(Scatter, LeavesOutWhatIsNotFinite) {
  Figure figure;
  figure.panels.push_back({"", {}, {}, {JitteredPoints{{{1, NAN, INFINITY, 2}}}}});
  EXPECT_EQ(scatter(figure).shown, 2U);
  EXPECT_EQ(scatter(figure).total, 2U);
}

TEST(Scatter, SamplesMoreThanFiftyThousandPointsAndSaysSo) {
  const Figure figure = sample::activations(13, 5000);
  const Scatters first = scatter(figure), second = scatter(figure);
  EXPECT_EQ(first.total, 65'000U);
  EXPECT_EQ(first.shown, 50'000U);
  std::size_t drawn = 0;
  for (std::size_t i = 0; i < 13; ++i) {
    const auto& column = first.panels[0][0].columns[i];
    drawn += column.size();
    EXPECT_NEAR(static_cast<double>(column.size()), 50'000.0 / 13, 200) << i;
    EXPECT_EQ(column, second.panels[0][0].columns[i]);
  }
  EXPECT_EQ(drawn, 50'000U);
  EXPECT_EQ(first.note(), "50,000 of 65,000 points are shown, drawn at random with a fixed seed.");
  EXPECT_EQ(full_caption(figure), "Every activation. " + first.note());
}

TEST(Scatter, KeepsExactlyFiftyThousandWhole) {
  const Scatters scatters = scatter(sample::activations(10, 5000));
  EXPECT_EQ(scatters.shown, 50'000U);
  EXPECT_EQ(scatters.note(), "");
}

}  // namespace
}  // namespace stratoscope
