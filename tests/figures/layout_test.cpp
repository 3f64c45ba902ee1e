#include "stratoscope/figures/layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "stratoscope/base/error.h"
#include "stratoscope/figures/text.h"
#include "stratoscope/figures/theme.h"
#include "tests/figures/sample_figures.h"

namespace stratoscope {
namespace {

TEST(Layout, KeepsPlotsInsideThePictureAndApart) {
  for (const Figure& figure : sample::all()) {
    const FigurePlan plan = lay_out(figure);
    for (const PanelPlan& panel : plan.panels) {
      EXPECT_GT(panel.plot.left, 0);
      EXPECT_GT(panel.plot.top, 0);
      EXPECT_LT(panel.plot.right(), plan.width);
      EXPECT_LT(panel.plot.bottom(), plan.height);
    }
    for (std::size_t i = 1; i < plan.panels.size(); ++i) {
      const Box &before = plan.panels[i - 1].plot, &here = plan.panels[i].plot;
      EXPECT_TRUE(here.left > before.right() || here.top > before.bottom());
    }
  }
}

TEST(Layout, CellsAreSquareAndRowZeroIsOnTop) {
  Figure figure = sample::similarities();
  std::get<Heatmap>(figure.panels[0].marks[0]).values.resize(2);
  figure.panels[0].y.ticks.resize(2);
  const PanelPlan panel = lay_out(figure).panels[0];
  EXPECT_DOUBLE_EQ(panel.plot.width / 3, panel.plot.height / 2);
  EXPECT_GT(panel.y.fraction(0), panel.y.fraction(1));
}

TEST(Layout, OneColourBarStandsRightOfAllPanels) {
  const FigurePlan plan = lay_out(sample::similarities());
  ASSERT_TRUE(plan.bar);
  for (const PanelPlan& panel : plan.panels) EXPECT_GT(plan.bar->box.left, panel.plot.right());
  ASSERT_EQ(plan.bar->title.size(), 1U);
  EXPECT_EQ(plan.bar->title[0].text, "cosine similarity");
  EXPECT_FALSE(lay_out(sample::activations()).bar);
}

TEST(Layout, ReferenceLabelAvoidsTheLine) {
  const Figure figure = sample::lines();
  const FigurePlan plan = lay_out(figure);
  const PanelPlan& panel = plan.panels[0];
  ASSERT_EQ(panel.references.size(), 1U);
  const TextSpot& spot = panel.references[0];
  const double right = spot.x + text_width(spot.text, kTickSize);
  for (const Mark& mark : figure.panels[0].marks) {
    const auto* line = std::get_if<Line>(&mark);
    if (line == nullptr) continue;
    for (std::size_t i = 0; i < line->x.size(); ++i) {
      const double x = panel.plot.left + panel.x.fraction(line->x[i]) * panel.plot.width;
      const double y = panel.plot.bottom() - panel.y.fraction(line->y[i]) * panel.plot.height;
      EXPECT_FALSE(x > spot.x && x < right && std::abs(y - spot.y) < 8) << "point " << i;
    }
  }
}

TEST(Layout, ReferenceLabelsStandBesideBarsAndPointsAndApart) {
  Figure figure;
  const Reference mean{"mean 5.76", 5.76};
  figure.panels.push_back({"", {"token"}, {"surprisal"}, {Bars{{9, 7, 2}}, mean, mean, Reference{"low", 5.7}}});
  figure.panels.push_back({"", {"factor"}, {"change"}, {Bars{{3}}, Reference{"clean 0", 0}}});
  figure.panels.push_back({"", {"depth"}, {"activation"}, {sample::points(3, 500), Reference{"mean", 0}}});
  const FigurePlan plan = lay_out(figure);
  for (const PanelPlan& panel : plan.panels) {
    for (const TextSpot& spot : panel.references) {
      EXPECT_GT(spot.x, panel.plot.right());
      EXPECT_LT(spot.x + text_width(spot.text, kTickSize), plan.width);
      for (const TextSpot& other : panel.references) EXPECT_TRUE(&spot == &other || std::abs(spot.y - other.y) > 12);
    }
  }
  const PanelPlan& bars = plan.panels[0];
  EXPECT_DOUBLE_EQ(bars.references[0].y, bars.plot.bottom() - bars.y.fraction(5.76) * bars.plot.height);
}

TEST(Layout, LegendNamesEachLabelledLineOnce) {
  const FigurePlan plan = lay_out(sample::lines());
  ASSERT_EQ(plan.panels[0].legend.size(), 2U);
  EXPECT_EQ(plan.panels[0].legend[1].label.text, "“ bed”");
  Figure one = sample::lines();
  one.panels[0].marks.pop_back();
  EXPECT_TRUE(lay_out(one).panels[0].legend.empty());
  Figure many = sample::lines();
  for (int i = 0; i < 60; ++i) many.panels[0].marks.emplace_back(Line{"line " + std::to_string(i), {0}, {-9}});
  EXPECT_TRUE(lay_out(many).panels[0].legend.back().label.text.ends_with("more"));
}

TEST(Layout, NotesAreDrawnUnlessAPageSaysThem) {
  Figure figure = sample::similarities();
  figure.caption = "Caption.";
  figure.note = "Clipped.";
  EXPECT_EQ(lay_out(figure).notes.at(0).text, "Clipped.");
  EXPECT_TRUE(lay_out(figure, Notes::left_out).notes.empty());
  EXPECT_EQ(full_caption(figure), "Caption. Clipped.");
}

TEST(Layout, ANoteOfTwoSentencesFitsUnderTheSmallestFigure) {
  Figure figure;
  figure.note = "The last depth is after the final layer norm, so it cannot be compared with the others. " +
                std::string("10 of 100 values lie below 0.8 and have the lowest colour.");
  figure.panels.push_back({"", {}, {}, {Heatmap{{{1}, {1}, {1}, {1}}}}});
  const FigurePlan plan = lay_out(figure);
  std::string said;
  for (const TextSpot& spot : plan.notes) {
    EXPECT_LT(spot.x + text_width(spot.text, kNoteSize), plan.width);
    EXPECT_LT(spot.y + kNoteSize / 2, plan.height);
    said += (said.empty() ? "" : " ") + spot.text;
  }
  EXPECT_EQ(said, figure.note);
}

TEST(Layout, APanelWithoutAnyFiniteNumberSaysSo) {
  Figure figure;
  figure.panels = {{"", {}, {}, {Heatmap{{{NAN, NAN}}}}},
                   {"", {}, {}, {Line{"", {0, 1}, {NAN, INFINITY}}, Reference{"clean", 1}}},
                   {"", {}, {}, {Bars{{NAN}, true}}},
                   {"", {}, {}, {JitteredPoints{{{NAN}, {}}}}}};
  for (const PanelPlan& panel : lay_out(figure).panels) EXPECT_EQ(panel.blank.text, "no finite number");
  figure.panels = {{"", {}, {}, {Heatmap{{{NAN, 0.5}}}}}, {"", {}, {}, {Bars{}}}, {"", {}, {}, {}}};
  for (const PanelPlan& panel : lay_out(figure).panels) EXPECT_EQ(panel.blank.text, "");
}

TEST(Layout, RefusesWhatCannotBeDrawn) {
  EXPECT_THROW(lay_out(Figure{}), Error);
  Figure ragged = sample::lines();
  std::get<Line>(ragged.panels[0].marks[1]).x.pop_back();
  EXPECT_THROW(lay_out(ragged), Error);
  Figure mixed = sample::similarities();
  mixed.panels[0].marks.emplace_back(Line{});
  EXPECT_THROW(lay_out(mixed), Error);
  for (const auto& [low, high] : {std::pair{1.0, 1.0}, std::pair{double{NAN}, 1.0}, std::pair{0.0, double{INFINITY}}}) {
    Figure colorless = sample::similarities();
    colorless.color->low = low, colorless.color->high = high;
    EXPECT_THROW(lay_out(colorless), Error);
  }
}

}  // namespace
}  // namespace stratoscope
