#include "stratoscope/figures/save_figure.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "stratoscope/base/error.h"
#include "stratoscope/figures/svg.h"
#include "stratoscope/figures/vega_lite.h"
#include "tests/figures/sample_figures.h"

namespace stratoscope {
namespace {

using Paths = std::vector<std::filesystem::path>;

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(SaveFigure, WritesWhatItsEndingSays) {
  const sample::Folder folder;
  EXPECT_EQ(save_figure(sample::lines(), folder / "a.svg", Theme::light), (Paths{folder / "a.svg", folder / "a.gp"}));
  EXPECT_EQ(save_figure(sample::lines(), folder / "b.png", Theme::light), (Paths{folder / "b.png", folder / "b.gp"}));
  EXPECT_EQ(save_figure(sample::lines(), folder / "c.pdf", Theme::light), (Paths{folder / "c.pdf", folder / "c.gp"}));
  EXPECT_EQ(save_figure(sample::lines(), folder / "d.html", Theme::light), (Paths{folder / "d.html"}));
  EXPECT_EQ(save_figure(sample::lines(), folder / "e.vl.json", Theme::dark), (Paths{folder / "e.vl.json"}));
  EXPECT_EQ(entries(folder.path()), 8U) << "no temporary file is left";
  EXPECT_EQ(sample::contents(folder / "e.vl.json"), vega_lite(sample::lines(), Theme::dark));
}

TEST(SaveFigure, TheScriptBesideItDrawsTheSameFileAgain) {
  const sample::Folder folder;
  save_figure(sample::activations(), folder / "it's 1.svg", Theme::light);
  const std::string before = sample::contents(folder / "it's 1.svg");
  std::filesystem::remove(folder / "it's 1.svg");
  const std::string command = "cd '" + folder.path().string() + "' && gnuplot -d *.gp";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(sample::contents(folder / "it's 1.svg"), before);
}

TEST(SaveFigure, GivesTheSameBytesEachTime) {
  const sample::Folder folder;
  for (const char* ending : {".svg", ".png", ".pdf", ".html", ".vl.json"}) {
    save_figure(sample::activations(), folder / (std::string("a") + ending), Theme::dark);
    const std::string first = sample::contents(folder / (std::string("a") + ending));
    save_figure(sample::activations(), folder / (std::string("a") + ending), Theme::dark);
    EXPECT_EQ(first, sample::contents(folder / (std::string("a") + ending))) << ending;
  }
}

TEST(SaveFigure, RefusesAnUnknownEndingAndListsTheKnown) {
  const sample::Folder folder;
  for (const char* name : {"a.jpg", "a", ".svg", "a.json", "a.svg.gz", "a.SVG"}) {
    try {
      save_figure(sample::lines(), folder / name, Theme::light);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.hint(), "use .svg, .png, .pdf, .html or .vl.json");
    }
  }
  EXPECT_EQ(entries(folder.path()), 0U);
  EXPECT_NO_THROW(check_figure_ending("x/y.vl.json"));
}

TEST(SaveFigure, ReportsAPlaceThatCannotBeWritten) {
  const sample::Folder folder;
  for (const char* name : {"missing/a.svg", "missing/a.html", "missing/a.vl.json"}) {
    EXPECT_THROW(save_figure(sample::lines(), folder / name, Theme::light), Error) << name;
  }
  std::filesystem::create_directory(folder / "b.svg");
  EXPECT_THROW(save_figure(sample::lines(), folder / "b.svg", Theme::light), Error);
}

TEST(SaveFigure, AFigureThatCannotBeDrawnLeavesTheOldFile) {
  const sample::Folder folder;
  save_figure(sample::lines(), folder / "a.svg", Theme::light);
  const std::string before = sample::contents(folder / "a.svg");
  EXPECT_THROW(save_figure(Figure{}, folder / "a.svg", Theme::light), Error);
  EXPECT_EQ(sample::contents(folder / "a.svg"), before);
}

TEST(SaveFigure, WithoutGnuplotSvgAndHtmlAreStillDrawn) {
  const sample::Folder folder, empty;
  const sample::Environment path("PATH", empty.path().string());
  EXPECT_EQ(save_figure(sample::lines(), folder / "a.svg", Theme::dark), (Paths{folder / "a.svg", folder / "a.gp"}));
  EXPECT_EQ(sample::contents(folder / "a.svg"),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + svg_figure(sample::lines(), Theme::dark));
  EXPECT_EQ(save_figure(sample::lines(), folder / "b.html", Theme::light), (Paths{folder / "b.html"}));
  EXPECT_NE(sample::contents(folder / "b.html").find(svg_figure(sample::lines(), Theme::light, Notes::left_out)),
            std::string::npos);
  EXPECT_NO_THROW(save_figure(sample::lines(), folder / "c.vl.json", Theme::light));
}

TEST(SaveFigure, WithoutGnuplotScriptAndSpecificationOfOtherPicturesAreWritten) {
  const sample::Folder folder, empty;
  const sample::Environment path("PATH", empty.path().string());
  for (const std::string name : {"a", "b"}) {
    const std::string file = name + (name == "a" ? ".png" : ".pdf");
    try {
      save_figure(sample::lines(), folder / file, Theme::light);
      FAIL();
    } catch (const NotDrawn& error) {
      EXPECT_NE(error.hint().find("gnuplot-nox"), std::string::npos);
      EXPECT_NE(error.hint().find(name + ".vl.json"), std::string::npos);
    }
    EXPECT_TRUE(std::filesystem::exists(folder / (name + ".gp")));
    EXPECT_EQ(sample::contents(folder / (name + ".vl.json")), vega_lite(sample::lines(), Theme::light));
    EXPECT_FALSE(std::filesystem::exists(folder / file));
  }
}

TEST(SaveFigure, AGnuplotThatFailsIsNotReplaced) {
  const sample::Folder folder, programs;
  std::ofstream(programs / "gnuplot") << "#!/bin/sh\nexit 3\n";
  std::filesystem::permissions(programs / "gnuplot", std::filesystem::perms::owner_all);
  const sample::Environment path("PATH", programs.path().string() + ":/usr/bin:/bin");
  EXPECT_THROW(save_figure(sample::lines(), folder / "a.svg", Theme::light), NotDrawn);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.svg"));
  EXPECT_THROW(save_figure(sample::lines(), folder / "a.html", Theme::light), Error);
}

}  // namespace
}  // namespace stratoscope
