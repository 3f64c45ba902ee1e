// The cells of a heat map in an svg file.
#pragma once

#include <string>

#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

// squares: a path for each cell, with its exact colour. picture: one embedded PNG of 255 colours.
enum class CellForm { squares, picture };

// Few cells are squares, which a program for vector graphics can edit; many would make a large file.
CellForm cell_form(const Figure& figure);

// Fills the box with the map's cells; those without a finite number show a hatching, unless no cell has one.
std::string svg_cells(const Heatmap& map, const Box& box, const ColorScale& scale, Theme theme, CellForm form);

}  // namespace stratoscope
