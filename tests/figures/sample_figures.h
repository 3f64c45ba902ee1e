// Small figures of every kind for the tests, and a folder that is removed when a test ends.
#pragma once

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/figures/figure.h"

namespace stratoscope::sample {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "stratoscope-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// An environment variable that has another value for a while.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    const char* old = std::getenv(name);
    if (old != nullptr) old_ = std::string(old);
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    if (old_) ::setenv(name_, old_->c_str(), 1);
    if (!old_) ::unsetenv(name_);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

inline std::string contents(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

inline std::vector<std::string> depths(std::size_t count) {
  std::vector<std::string> labels{"Emb"};
  for (std::size_t i = 0; i + 1 < count; ++i) labels.push_back("L" + std::to_string(i));
  return labels;
}

// `columns` depths with `each` values that swing about zero.
inline JitteredPoints points(std::size_t columns, std::size_t each) {
  JitteredPoints result;
  for (std::size_t i = 0; i < columns; ++i) {
    auto& column = result.columns.emplace_back();
    for (std::size_t k = 0; k < each; ++k)
      column.push_back(std::sin(static_cast<double>(k * k + i)) * (1.0 + static_cast<double>(i)));
  }
  return result;
}

inline Figure activations(std::size_t columns = 5, std::size_t each = 40) {
  Bars bars;
  for (std::size_t i = 0; i < columns; ++i) bars.values.push_back(std::pow(3.0, static_cast<double>(i)));
  bars.color_by_category = true;
  Figure figure;
  figure.title = "Activations of “ cute”";
  figure.caption = "Every activation.";
  figure.columns = 2;
  figure.color = ColorScale{ColorMap::plasma, "depth", 0, 1, false};
  figure.panels.push_back({"Activations", {"depth", depths(columns)}, {"activation"}, {points(columns, each)}});
  figure.panels.push_back({"Variance", {"depth", depths(columns)}, {"variance", {}, std::nullopt, true}, {bars}});
  return figure;
}

inline Figure similarities() {
  Figure figure;
  figure.title = "Similarity";
  figure.columns = 2;
  figure.color = ColorScale{ColorMap::plasma, "cosine similarity", 0.5, 1, true};
  const std::vector<std::string> tokens{"“A”", "“ wise”", "“A”"};
  for (const char* title : {"Emb", "L0"}) {
    figure.panels.push_back({title,
                             {"token", tokens},
                             {"token", tokens},
                             {Heatmap{{{1, 0.625, 0.75}, {0.625, 1, NAN}, {0.75, 0.875, 1}}}}});
  }
  return figure;
}

// Four panels of 490 by 490 cells, the size of a long text: neighbours are alike, and no two cells are equal.
inline Figure large_heat_maps() {
  Figure figure;
  figure.columns = 2;
  figure.color = ColorScale{ColorMap::plasma, "cosine similarity", 0.5, 1, true};
  const std::vector<std::string> tokens(490, "“ token”");
  for (int p = 0; p < 4; ++p) {
    Heatmap map{std::vector<std::vector<double>>(490, std::vector<double>(490))};
    for (int i = 0; i < 490; ++i) {
      for (int j = 0; j < 490; ++j) {
        map.values[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] =
            0.7 + 0.2 * std::exp(-std::abs(i - j) / 40.0) + 0.05 * std::sin(0.7 * (i * i + j * j) + p);
      }
    }
    figure.panels.push_back({"L" + std::to_string(p), {"token", tokens}, {"token", tokens}, {std::move(map)}});
  }
  return figure;
}

inline Figure lines() {
  Figure figure;
  figure.title = "Log probability";
  Line one{"“ insect”", {0, 1, 2, 3}, {-9.5, NAN, -9.25, -10}, true};
  Line two{"“ bed”", {0, 1, 2, 3}, {-8.5, -8, -8.25, -9}, false};
  figure.panels.push_back(
      {"", {"block", {"L0", "L1", "L2", "L3"}}, {"log probability (nats)"}, {Reference{"clean", -9.125}, one, two}});
  return figure;
}

inline Figure predictions() {
  Figure figure;
  Bars bars{{0.5, 0.25, 0.125}, true, false};
  figure.panels.push_back({"Next", {"probability"}, {"", {"“ the”", "“,”", "“↵”"}}, {bars}});
  return figure;
}

// `count` trails of three places from near the middle outwards; the last number of the first one is missing.
inline Figure trails(std::size_t count = 3) {
  Trails all{{}, {"Emb", "L0", "L1"}};
  for (std::size_t t = 0; t < count; ++t) {
    const double angle = 6.28 * static_cast<double>(t) / static_cast<double>(count), x = std::cos(angle),
                 y = std::sin(angle);
    all.trails.push_back({"“ t" + std::to_string(t) + "”", {0, 10 * x, 20 * x}, {0, 10 * y, 20 * y}});
  }
  all.trails[0].y[1] = NAN;
  Figure figure;
  figure.title = "Paths";
  figure.color = ColorScale{ColorMap::plasma, "depth", 0, 2, true, true};
  figure.panels.push_back({"", {"PC 1"}, {"PC 2"}, {all}});
  return figure;
}

// `count` named points on a spiral; the last one is missing.
inline Figure points(std::size_t count = 20) {
  Points all;
  for (std::size_t i = 0; i < count; ++i) {
    const double turn = static_cast<double>(i);
    all.x.push_back(turn * std::cos(turn));
    all.y.push_back(turn * std::sin(turn));
    all.labels.push_back("“ p" + std::to_string(i) + "”");
  }
  all.y.back() = NAN;
  Panel panel{"", {"x"}, {"y"}, {all}};
  return {"Points", "", "", {panel}, 1, std::nullopt};
}

// Two rows of numbers with their own scales; the first token has no number.
inline Figure colored_texts() {
  const std::vector<std::string> tokens{"Pen", "guins", " are", " cute", ".\n", "\n", " “Yes", "”", "\t<&>"};
  ColoredText surprisal{tokens, {NAN, 8, 2.5, 6, 1, 0, 3, 4, 0.5}, {ColorMap::rising, "surprisal (nats)", 0, 8}};
  ColoredText change{tokens, {0, -1, 0.5, 1, -0.25, 0, 0, 0.75, -0.5}, {ColorMap::diverging, "change", -1, 1}};
  Figure figure;
  figure.title = "A text by token";
  figure.caption = "Two rows.";
  figure.panels.push_back({"surprisal", {}, {}, {surprisal}});
  figure.panels.push_back({"change", {}, {}, {change}});
  return figure;
}

inline std::vector<Figure> all() {
  return {activations(), similarities(), lines(), predictions(), trails(), points(), colored_texts()};
}

// Text that a plotter, a shell, a browser or a spreadsheet might read something into.
inline std::vector<std::string> nasty_texts(const std::string& witness) {
  return {"`touch " + witness + "`",
          "@foo",
          "it's",
          "\\n",
          "%d %s %g",
          "{/Bold x}",
          "\"",
          "a\tb",
          "a\nb",
          "a\r\nb",
          std::string("\x01\x02\x1b", 3),
          "\xff\xc3",
          "�",
          std::string(3000, 'x'),
          "😀 漢字",
          "a_b^c~d",
          "$x",
          "</svg><script>alert(1)</script>",
          "{",
          "}",
          "ends in \\",
          "&amp; <b>",
          "' . system('touch " + witness + "') . '",
          "\xe2\x80\xae reversed",  // NOLINT(misc-misleading-bidirectional)
          "END",
          "'",
          "''",
          "'x",
          "x'",
          "''\" . system(\"touch " + witness + "\") . \"",
          "|touch " + witness,
          ""};
}

}  // namespace stratoscope::sample
