// The places of everything in a figure, in CSS pixels from the top left corner, shared by all writers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/figures/axis_plan.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/scatter.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

struct Box {
  double left = 0, top = 0, width = 0, height = 0;
  double right() const { return left + width; }
  double bottom() const { return top + height; }
};

enum class Align { left, center, right };

// One line of plain text; (x, y) is its start, middle or end, at the vertical middle of the line.
struct TextSpot {
  std::string text = {};
  double x = 0, y = 0;
  Align align = Align::left;
  bool upward = false;
};

struct LegendEntry {
  TextSpot label;
  std::optional<std::size_t> series = {};  // index of the line; empty for "… and 3 more"
};

struct CellText {
  TextSpot spot;
  std::size_t row = 0, column = 0;
};

// A token of a coloured text.
struct TokenTile {
  Box box;         // the coloured background
  TextSpot label;  // in its middle, with spaces and line breaks as marks
  std::size_t token = 0;
};

// The horizontal colour bar above a coloured text.
struct ScaleStrip {
  Box box;
  std::vector<Tick> ticks;
  TextSpot title;  // right of the bar
};

inline constexpr double kTickRoom = 11;  // pixels of a tick and the gap before its label

struct PanelPlan {
  Box plot;  // inside the axes
  AxisPlan x, y;
  TextSpot title, x_title, y_title;
  std::vector<TextSpot> references;    // one per Reference, in order
  std::vector<TextSpot> bar_values;    // at the ends of horizontal bars, if there is room
  std::vector<CellText> cell_texts;    // of a heat map, if there is room
  std::vector<TextSpot> trail_labels;  // at the ends of trails and at points, if they cover no other label
  std::vector<TokenTile> tiles;        // of a coloured text, which has no axes
  std::optional<ScaleStrip> strip;     // of a coloured text
  TextSpot blank;                      // the reason why a panel without finite values is empty
  std::vector<LegendEntry> legend;
  std::size_t series_count = 0;  // Lines in this panel

  // The place of a value in the picture; not finite for one that the axis does not have.
  double x_of(double value) const { return plot.left + x.fraction(value) * plot.width; }
  double y_of(double value) const { return plot.bottom() - y.fraction(value) * plot.height; }
};

struct ColorBarPlan {
  Box box;
  std::vector<Tick> ticks;
  std::vector<TextSpot> title;  // at most three lines
  double right = 0;             // the right end of the last one
};

struct FigurePlan {
  double width = 0, height = 0;
  std::vector<TextSpot> title, notes;
  std::vector<PanelPlan> panels;
  std::optional<ColorBarPlan> bar;
  Scatters scatters;
};

// Throws Error for a figure that cannot be drawn: no panel, a Line whose x and y differ in length, a mark that needs
// another kind of axis than its panel has, a colour range that is not finite.
FigurePlan lay_out(const Figure& figure, Notes notes = Notes::drawn);

// The numbers of rows and columns of a heat map; missing cells of short rows are empty.
std::size_t column_count(const Heatmap& map);

// The number of cells of all heat maps.
std::size_t cell_count(const Figure& figure);

// The panel's coloured text; nullptr if it has axes.
const ColoredText* colored_text_of(const Panel& panel);

// Whether all panels are coloured texts.
bool is_all_text(const Figure& figure);

// The background of a token; empty for one without a finite value.
std::optional<Rgb> tile_color(const ColoredText& text, std::size_t token, Theme theme);
// Black or white, by the token's background; the theme's text colour without one.
Rgb tile_text_color(const ColoredText& text, std::size_t token, Theme theme);

// A colour bar as a heat map: bands from the scale's low end to its high one.
Heatmap strip_bands(const ColorScale& scale);

// Black or white, by the colour of its cell; the theme's text colour for an empty one.
Rgb cell_text_color(const Figure& figure, std::size_t panel, const CellText& text, Theme theme);

// figure.caption, figure.note and the note on sampling.
std::string full_caption(const Figure& figure);

}  // namespace stratoscope
