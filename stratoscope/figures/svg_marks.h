// The marks of a panel in an svg file.
#pragma once

#include <cstddef>
#include <string>

#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

// All marks of panel p, later ones on top of earlier ones, and below them the lines of its references.
std::string svg_marks(const Figure& figure, const FigurePlan& plan, std::size_t p, Theme theme);

}  // namespace stratoscope
