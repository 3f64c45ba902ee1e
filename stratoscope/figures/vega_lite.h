// A figure as a Vega-Lite 5 specification: the same panels, colours and labels, with tooltips.
#pragma once

#include <string>

#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

// One JSON document with its data inline, the same bytes for the same figure. Category labels stand in `params` and
// are looked up by index, so that equal tokens stay apart and no text of the figure is ever read as an expression.
// Points carry `i` (category), `x`, `y`; bars `i`, `value`; lines `x`, `y`; a row of cells `y` and `values` to seven
// digits, null where one is not finite. Bars and points that are not finite are left out. Throws Error as lay_out does.
std::string vega_lite(const Figure& figure, Theme theme);

}  // namespace stratoscope
