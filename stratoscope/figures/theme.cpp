#include "stratoscope/figures/theme.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace stratoscope {
namespace {

constexpr Rgb rgb(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 8 & 0xff),
          static_cast<std::uint8_t>(value & 0xff)};
}

Rgb mix(Rgb a, Rgb b, double t) {
  const auto channel = [t](std::uint8_t from, std::uint8_t to) {
    return static_cast<std::uint8_t>(std::lround(from + (to - from) * t));
  };
  return {channel(a.red, b.red), channel(a.green, b.green), channel(a.blue, b.blue)};
}

Rgb interpolate(const std::vector<Rgb>& stops, double t) {
  const double place = std::clamp(std::isnan(t) ? 0.0 : t, 0.0, 1.0) * static_cast<double>(stops.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), stops.size() - 2);
  return mix(stops[below], stops[below + 1], place - static_cast<double>(below));
}

// `i` of `count` spread over [low, high].
double spread(std::size_t i, std::size_t count, double low, double high) {
  return count < 2 ? low : low + (high - low) * static_cast<double>(i) / static_cast<double>(count - 1);
}

}  // namespace

std::string hex(Rgb color) { return fmt::format("#{:02x}{:02x}{:02x}", color.red, color.green, color.blue); }

const Palette& palette(Theme theme) {
  static const Palette light{rgb(0xffffff), rgb(0x222222), rgb(0x6b6b6b), rgb(0x7e03a8)};
  static const Palette dark{rgb(0x383838), rgb(0xdde2f4), rgb(0xa9aec2), rgb(0xf89540)};
  return theme == Theme::light ? light : dark;
}

const std::vector<Rgb>& color_stops(ColorMap map, Theme theme) {
  static const std::vector<Rgb> plasma{rgb(0x0d0887), rgb(0x310597), rgb(0x4c02a1), rgb(0x6600a7), rgb(0x7e03a8),
                                       rgb(0x9511a1), rgb(0xaa2395), rgb(0xbc3587), rgb(0xcc4778), rgb(0xda5a6a),
                                       rgb(0xe66c5c), rgb(0xf0804e), rgb(0xf89540), rgb(0xfdac33), rgb(0xfdc527),
                                       rgb(0xf8df25), rgb(0xf0f921)};
  static const std::vector<Rgb> viridis{rgb(0x440154), rgb(0x48186a), rgb(0x472d7b), rgb(0x424086), rgb(0x3b528b),
                                        rgb(0x33638d), rgb(0x2c728e), rgb(0x26828e), rgb(0x21918c), rgb(0x1fa088),
                                        rgb(0x28ae80), rgb(0x3fbc73), rgb(0x5ec962), rgb(0x84d44b), rgb(0xaddc30),
                                        rgb(0xd8e219), rgb(0xfde725)};
  // Blue to orange keeps its order for all common forms of colour blindness.
  static const std::vector<Rgb> light_diverging{rgb(0x143d78), rgb(0x2f68ab), rgb(0x6a9bcf),
                                                rgb(0xb3cee8), rgb(0xf7f5f2), rgb(0xf6cfa5),
                                                rgb(0xe79b54), rgb(0xbf6420), rgb(0x7f3a08)};
  static const std::vector<Rgb> dark_diverging{rgb(0xa9d3ff), rgb(0x6fabe8), rgb(0x3f79b5),
                                               rgb(0x254a74), rgb(0x16181c), rgb(0x6e3f18),
                                               rgb(0xb0682a), rgb(0xe89a4e), rgb(0xffd09a)};
  // The diverging map's half above zero.
  static const std::vector<Rgb> light_rising(light_diverging.begin() + 4, light_diverging.end());
  static const std::vector<Rgb> dark_rising(dark_diverging.begin() + 4, dark_diverging.end());
  switch (map) {
    case ColorMap::plasma: return plasma;
    case ColorMap::viridis: return viridis;
    case ColorMap::rising: return theme == Theme::light ? light_rising : dark_rising;
    case ColorMap::diverging: break;
  }
  return theme == Theme::light ? light_diverging : dark_diverging;
}

Rgb color_at(ColorMap map, Theme theme, double t) { return interpolate(color_stops(map, theme), t); }

Rgb text_on(Rgb ground) {
  // Relative luminance (WCAG 2); at 0.179 black and white have the same contrast.
  const auto linear = [](std::uint8_t channel) {
    const double x = channel / 255.0;
    return x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
  };
  const double luminance = 0.2126 * linear(ground.red) + 0.7152 * linear(ground.green) + 0.0722 * linear(ground.blue);
  return luminance > 0.179 ? Rgb{0, 0, 0} : Rgb{255, 255, 255};
}

Rgb category_color(ColorMap map, Theme theme, std::size_t i, std::size_t count) {
  if (map == ColorMap::diverging || map == ColorMap::rising) return color_at(map, theme, spread(i, count, 0, 1));
  // Yellow has little contrast with white, deep blue with slate.
  return theme == Theme::light ? color_at(map, theme, spread(i, count, 0, 0.92))
                               : color_at(map, theme, spread(i, count, 0.28, 1));
}

std::vector<Rgb> scale_stops(const ColorScale& scale, Theme theme) {
  std::vector<Rgb> stops = color_stops(scale.map, theme);
  if (!scale.clear_of_ground) return stops;
  for (std::size_t i = 0; i < stops.size(); ++i) stops[i] = category_color(scale.map, theme, i, stops.size());
  return stops;
}

double scale_fraction(const ColorScale& scale, double value) {
  // Halves, because the difference of two large numbers overflows.
  return (value / 2 - scale.low / 2) / (scale.high / 2 - scale.low / 2);
}

Rgb scale_color(const ColorScale& scale, Theme theme, double value) {
  return interpolate(scale_stops(scale, theme), scale_fraction(scale, value));
}

Rgb series_color(Theme theme, std::size_t i, std::size_t count) {
  if (count < 2) return palette(theme).accent;
  return theme == Theme::light ? color_at(ColorMap::plasma, theme, spread(i, count, 0.02, 0.82))
                               : color_at(ColorMap::plasma, theme, spread(i, count, 1, 0.32));
}

}  // namespace stratoscope
