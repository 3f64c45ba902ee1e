// Attribution and geometry as a program outside the command line calls them.
#include <gtest/gtest.h>

#include <cmath>

#include "stratoscope/experiments/attribution.h"
#include "stratoscope/experiments/geometry.h"
#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::built_in;
using test::refuses;

TEST(Attribution, SumsToTheLogitInBothPrecisions) {
  AttributionRequest request;
  request.text = test::kPenguins;
  request.targets = {{" They", std::nullopt}, {" cute", std::nullopt}};
  const Attribution exact = attribution(built_in(Precision::fp64), request);
  const Attribution single = attribution(built_in(), request);
  double sum = 0;
  for (const AttributionPart& part : exact.components) sum += part.contribution;
  EXPECT_NEAR(sum, exact.value, 1e-12);
  EXPECT_EQ(exact.sum(), exact.value - exact.residues.components);
  ASSERT_EQ(single.components.size(), exact.components.size());
  for (std::size_t i = 0; i < exact.components.size(); ++i)
    EXPECT_NEAR(single.components[i].contribution, exact.components[i].contribution, 1e-4) << exact.components[i].name;
  EXPECT_LT(std::abs(single.residues.components), 1e-5);
  const Figure figure = figure_of(exact), sources = figure_of(exact, true);
  EXPECT_EQ(figure.panels.size(), 2U);
  EXPECT_EQ(sources.panels.size(), exact.sources.size());
}

TEST(Attribution, Refusals) {
  AttributionRequest request;
  request.text = test::kPenguins;
  request.position = 10;
  EXPECT_TRUE(refuses([&] { attribution(built_in(), request); }, "0 to 9"));
  request.position = -1;
  request.targets.resize(3, {" a", std::nullopt});
  EXPECT_TRUE(refuses([&] { attribution(built_in(), request); }, "there are 3 targets"));
}

TEST(Geometry, HasEveryDepthAndView) {
  GeometryRequest request;
  request.text = test::kPenguins;
  const Geometry result = geometry(built_in(), request);
  EXPECT_EQ(result.tokens.front(), 1U);
  EXPECT_EQ(result.norms.size(), 13U);
  EXPECT_EQ(result.cka[5][5], 1);
  EXPECT_EQ(result.trajectories.size(), 9U);
  EXPECT_EQ(figure_of(result).panels.size(), 4U);
  for (const GeometryView view : {GeometryView::trajectory, GeometryView::cka, GeometryView::nearest})
    EXPECT_GE(figure_of(result, view).panels.size(), 1U);
  EXPECT_TRUE(refuses([] { parse_choice<GeometryView>("map", "draw"); }, "draw: there is no 'map'; one of measures"));
  EXPECT_TRUE(refuses([] { parse_choice<LastDepth>("mid", "at"); }, "at: there is no 'mid'; one of resid, hidden"));
}

}  // namespace
}  // namespace stratoscope
