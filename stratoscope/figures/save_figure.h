// A figure as a file, in the form that its name asks for.
#pragma once

#include <filesystem>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/progress.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/theme.h"

namespace STRATOSCOPE_API stratoscope {

// gnuplot is missing or failed; what needs no gnuplot was written.
class NotDrawn : public Error {
 public:
  using Error::Error;
};

// Writes `file` and returns everything written, `file` first. By its ending:
//   .svg .png .pdf  drawn by gnuplot; the script is kept beside it as NAME.gp and draws the same picture again
//   .html           one page with inline SVG and the numbers
//   .vl.json        a Vega-Lite specification
// Each file appears whole or not at all. Throws Error for another ending, a place that cannot be written, or a figure
// that cannot be drawn. Without gnuplot, .svg .png .pdf still leave NAME.gp and NAME.vl.json, and NotDrawn says so.
// Interrupted, with nothing written, when `progress` says so while gnuplot draws.
std::vector<std::filesystem::path> save_figure(const Figure& figure, const std::filesystem::path& file, Theme theme,
                                               const Progress* progress = nullptr);

// Throws the Error of save_figure when no form of figure has this file's ending; for checking before a long run.
void check_figure_ending(const std::filesystem::path& file);

}  // namespace stratoscope
