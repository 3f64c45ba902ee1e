// Figures for a web page: inline SVG and the numbers, without scripts and external resources.
#pragma once

#include <string>

#include "stratoscope/base/progress.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

// The figure as an <svg> element for a page: compact, with a title for screen readers, and with ids that are unique
// among figures. The page has to show full_caption(). Drawn by gnuplot; without one, and for coloured texts, by
// svg_figure. Throws Error as render does if gnuplot fails.
std::string render_svg(const Figure& figure, Theme theme, const Progress* progress = nullptr);

// <figure> with the inline SVG, the caption as <figcaption>, and the numbers in a closed <details>.
std::string html_fragment(const Figure& figure, Theme theme, const Progress* progress = nullptr);

// The numbers of a figure as tables; over 3,000 numbers as one block of CSV; over 20,000 only their count and where to
// get them.
std::string html_numbers(const Figure& figure);

// One self-contained page that shows the figure.
std::string html_page(const Figure& figure, Theme theme, const Progress* progress = nullptr);

}  // namespace stratoscope
