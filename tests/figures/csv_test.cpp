#include "stratoscope/figures/csv.h"

#include <gtest/gtest.h>

#include "tests/figures/sample_figures.h"

namespace stratoscope {
namespace {

TEST(Csv, HeatMapsNameColumnAndRow) {
  const std::string rows = csv(sample::similarities());
  EXPECT_TRUE(rows.starts_with("panel,series,x,y,value\r\nEmb,,“A”,“A”,1\r\nEmb,,“ wise”,“A”,0.625\r\n"));
  EXPECT_NE(rows.find("Emb,,“A”,“ wise”,\r\n"), std::string::npos) << "a missing cell is an empty field";
  EXPECT_EQ(sample::count(rows, "\r\n"), 1U + 18U);
}

TEST(Csv, LinesAndReferencesAreSeries) {
  const std::string rows = csv(sample::lines());
  EXPECT_NE(rows.find(",clean,,,-9.125\r\n"), std::string::npos);
  EXPECT_NE(rows.find(",“ insect”,L0,,-9.5\r\n"), std::string::npos);
  EXPECT_NE(rows.find(",“ bed”,L3,,-9\r\n"), std::string::npos);
}

TEST(Csv, HorizontalBarsAreNamedByTheirYAxis) {
  EXPECT_NE(csv(sample::predictions()).find("Next,,\"“,”\",,0.25\r\n"), std::string::npos);
}

TEST(Csv, HoldsEveryPointOfASampledFigure) {
  EXPECT_EQ(sample::count(csv(sample::activations(13, 5000)), "Activations,"), 65'000U);
}

TEST(Csv, QuotesCommasQuotesAndLineBreaks) {
  Figure figure;
  figure.panels.push_back({"a,b", {"", {"say \"hi\"", "two\nlines", "plain"}}, {}, {Bars{{1, 2, 0.1}}}});
  EXPECT_EQ(csv(figure),
            "panel,series,x,y,value\r\n\"a,b\",,\"say "
            "\"\"hi\"\"\",,1\r\n\"a,b\",,\"two\nlines\",,2\r\n\"a,b\",,plain,,0.1\r\n");
}

}  // namespace
}  // namespace stratoscope
