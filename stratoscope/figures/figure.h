// A figure as data: labels and numbers, no drawing. The writers (Vega-Lite, gnuplot, csv, html) turn it into files.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// Colour-blind-safe maps: plasma for depth, similarity and probability; diverging (centred on zero) for a signed
// change; rising, one hue from the background's colour on, for amounts shown as the background of text.
enum class ColorMap { plasma, viridis, diverging, rising };

// The meaning of colours in all panels of a figure. Without it, marks have the accent colour.
struct ColorScale {
  ColorMap map = ColorMap::plasma;
  std::string title;  // the title of the colour bar, with units if there are any
  double low = 0, high = 1;
  bool show_bar = true;  // false if the colours repeat an axis (depth)
  // Omits the end of the map that has little contrast with the background, for marks without a border.
  bool clear_of_ground = false;
};

// `ticks` are category labels, drawn at 0, 1, 2, … (thinned where they would overlap); empty for a numeric axis.
// A heat map whose axis has a range and no ticks has numbers along it: its cells divide the range evenly, from its
// first end, at the left or at the bottom, to its second one, which may be the smaller.
struct Axis {
  std::string title = {};
  std::vector<std::string> ticks = {};
  std::optional<std::pair<double, double>> range = {};
  bool logarithmic = false;
};

// Many values per category of the x axis, scattered sideways by a seeded jitter, coloured by category.
// columns[i] belongs to x category i.
struct JitteredPoints {
  std::vector<std::vector<double>> columns;
};

// One value per x position (category index or number), joined in order; NaN breaks the line.
struct Line {
  std::string label = {};  // drawn in a legend when a panel has more than one labelled line
  std::vector<double> x = {}, y = {};
  bool markers = true;
};

// One bar per category of the x axis (or of the y axis when horizontal, first category on top).
struct Bars {
  std::vector<double> values;
  bool horizontal = false;
  bool color_by_category = false;  // the colour of each depth, as in the JitteredPoints beside it
};

// values[row][col]; row 0 is drawn on top; NaN cells stay empty. Coloured by the figure's ColorScale.
struct Heatmap {
  std::vector<std::vector<double>> values;
  // The text of each cell; drawn if all columns have room, and always in the data.
  std::vector<std::vector<std::string>> texts = {};
};

// The path of one object through several steps, in a panel with two numeric axes.
struct Trail {
  std::string label = {};  // at its end, if there is room
  std::vector<double> x = {}, y = {};
};

// Points joined by thin lines, coloured by their step (0, 1, 2, …) on the figure's ColorScale.
struct Trails {
  std::vector<Trail> trails;
  std::vector<std::string> steps = {};  // the names of the steps
};

// Points in a panel with two numeric axes, one per entry of x and y.
struct Points {
  std::vector<double> x = {}, y = {};
  std::vector<std::string> labels = {};  // beside them, if there is room; empty for points without names
};

// A text that flows and wraps, each token on a background of its colour; alone in its panel, which has no axes.
struct ColoredText {
  std::vector<std::string> tokens;
  std::vector<double> values;  // of each token; one that is not finite has no colour
  ColorScale scale;            // its colour bar is above the text
};

// A labelled dashed horizontal line, such as the clean value.
struct Reference {
  std::string label;
  double y = 0;
};

using Mark = std::variant<JitteredPoints, Line, Bars, Heatmap, Trails, Points, ColoredText, Reference>;

struct Panel {
  std::string title = {};
  Axis x = {}, y = {};
  std::vector<Mark> marks = {};  // drawn in order, later ones on top
};

struct Figure {
  std::string title;
  std::string caption;  // one or two sentences below the figure: its content and the meaning of its lines
  std::string note;     // small text below the panels, also without a caption (clipped values)
  std::vector<Panel> panels;
  std::size_t columns = 1;  // panels are laid out row by row, this many in a row
  std::optional<ColorScale> color;
};

// Whether a picture has figure.note and the note on sampling below its panels; a page has both in its caption.
enum class Notes { drawn, left_out };

}  // namespace stratoscope
