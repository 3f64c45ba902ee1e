// The look of every figure: two themes, one accent family, three colour maps. All writers use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/figures/figure.h"

namespace STRATOSCOPE_API stratoscope {

enum class Theme { light, dark };
inline constexpr Choice<Theme> kThemes[] = {{Theme::light, "light"}, {Theme::dark, "dark"}};
constexpr std::span<const Choice<Theme>> choices_of(Theme) { return kThemes; }

struct Rgb {
  std::uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Rgb&) const = default;
};

// "#0d0887"
std::string hex(Rgb color);

struct Palette {
  Rgb ground;  // the background of the page
  Rgb text;    // titles, labels, axes
  Rgb muted;   // notes and reference lines
  Rgb accent;  // marks without a colour scale
};

const Palette& palette(Theme theme);

// Evenly spaced stops, lowest first; colours between two stops are interpolated linearly in sRGB. The diverging map has
// an odd number of stops, and its middle is near the theme's background.
const std::vector<Rgb>& color_stops(ColorMap map, Theme theme);

// The colour at t in [0, 1]; outside, the nearest end.
Rgb color_at(ColorMap map, Theme theme, double t);

// Black or white, whichever has more contrast with this background.
Rgb text_on(Rgb ground);

// The colour of category i of `count` (a depth): the part of the map that contrasts with the theme's background.
Rgb category_color(ColorMap map, Theme theme, std::size_t i, std::size_t count);

// The colours of a colour bar, evenly spaced: the map's stops, or the part that contrasts with the background.
std::vector<Rgb> scale_stops(const ColorScale& scale, Theme theme);

// The place of a value on the scale, from 0 at its low end to 1 at its high one.
double scale_fraction(const ColorScale& scale, double value);

// The colour of a value on the scale; outside, of the nearest end.
Rgb scale_color(const ColorScale& scale, Theme theme, double value);

// The colour of line i of `count` in one panel; a single line has the accent.
Rgb series_color(Theme theme, std::size_t i, std::size_t count);

// Sizes in CSS pixels (1/96 inch), shared by the layout and the writers.
inline constexpr const char* kFontFamily = "DejaVu Sans";
inline constexpr double kTickSize = 11, kAxisTitleSize = 12, kPanelTitleSize = 13, kFigureTitleSize = 15,
                        kNoteSize = 10, kTokenSize = 13;

}  // namespace stratoscope
