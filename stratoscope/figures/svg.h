// Draws a figure as an <svg> element without another program: in the places, sizes and colours of the pictures that
// gnuplot draws.
#pragma once

#include <string>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/theme.h"

namespace STRATOSCOPE_API stratoscope {

// One self-contained element for a page or, on its own, a file: no XML declaration, no scripts, no external resources.
// It has width, height and viewBox in CSS pixels, the figure's title as <title> and its caption and notes as <desc>. It
// has no ids, so a page can hold the same figure twice. The same figure gives the same bytes. Throws Error for a figure
// that cannot be drawn: no panel, a Line whose x and y differ in length, a mark that needs another kind of axis than
// its panel has, a colour range that is not finite.
std::string svg_figure(const Figure& figure, Theme theme, Notes notes = Notes::drawn);

}  // namespace stratoscope
