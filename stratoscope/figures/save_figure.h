// Saves a figure as a file, in the format of its file name's ending.
#pragma once

#include <filesystem>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/progress.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/theme.h"

namespace STRATOSCOPE_API stratoscope {

// gnuplot failed, or the picture needs it and it is missing; the files that do not need it were written.
class NotDrawn : public Error {
 public:
  using Error::Error;
};

// Writes `file` and returns all files written, `file` first. By its ending:
//   .svg .png .pdf  drawn by gnuplot; the script is also saved as NAME.gp and draws the same picture again. Without
//                   gnuplot, .svg is drawn by svg_figure
//   .html           one page with inline SVG and the numbers
//   .vl.json        a Vega-Lite specification
// Each file is written atomically. Throws Error for another ending, a file that cannot be written, or a figure that
// cannot be drawn. Throws NotDrawn if gnuplot fails, or if it is missing for .png .pdf; NAME.gp and NAME.vl.json are
// written then. Throws Interrupted, with nothing written, when cancelled while gnuplot draws.
std::vector<std::filesystem::path> save_figure(const Figure& figure, const std::filesystem::path& file, Theme theme,
                                               const Progress* progress = nullptr);

// Throws the Error of save_figure for an unknown ending; a check before a long run.
void check_figure_ending(const std::filesystem::path& file);

}  // namespace stratoscope
