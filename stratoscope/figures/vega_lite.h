// A figure as a Vega-Lite 5 specification: the same panels, colours and labels, with tooltips.
#pragma once

#include <string>

#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

// One JSON document with inline data; the same figure gives the same bytes. Category labels are in `params` and are
// looked up by index, so that equal tokens stay distinct and no text of the figure is parsed as an expression. Points
// have `i` (category), `x`, `y`; bars `i`, `value`; lines `x`, `y`; a row of cells `y` and `values` with seven digits,
// null if not finite; tokens of a coloured text `i`, `label`, `value` and their box in pixels. Bars and points that are
// not finite are omitted. Throws Error as lay_out does.
std::string vega_lite(const Figure& figure, Theme theme);

}  // namespace stratoscope
