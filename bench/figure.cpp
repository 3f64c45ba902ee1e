// Draws lines with the program's own figure writers: bench_figure FILE.svg, the figure as JSON on standard input:
// {"x": title, "y": title, "lines": [{"label", "x": […], "y": […]}]}, both axes logarithmic.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stratoscope/figures/save_figure.h"

namespace {

stratoscope::Figure read_figure(std::istream& in) {
  const auto json = nlohmann::json::parse(in);
  stratoscope::Panel panel;
  panel.x = {json.at("x").get<std::string>(), {}, std::nullopt, true};
  panel.y = {json.at("y").get<std::string>(), {}, std::nullopt, true};
  for (const auto& line : json.at("lines"))
    panel.marks.emplace_back(stratoscope::Line{line.at("label").get<std::string>(),
                                               line.at("x").get<std::vector<double>>(),
                                               line.at("y").get<std::vector<double>>(), true});
  return {"", "", "", {panel}, 1, std::nullopt};
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::invalid_argument("one file is wanted");
    stratoscope::save_figure(read_figure(std::cin), argv[1], stratoscope::Theme::light);
  } catch (const std::exception& error) {
    std::cerr << "bench_figure: " << error.what() << '\n';
    return 1;
  }
}
