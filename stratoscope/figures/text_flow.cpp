#include "stratoscope/figures/text_flow.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/base/error.h"
#include "stratoscope/figures/mark_style.h"
#include "stratoscope/figures/text.h"

namespace stratoscope {
namespace {

constexpr double kWidestFlow = 720, kNarrowestFlow = 300;         // pixels
constexpr double kFlowLine = 24, kTile = 20, kTilePadding = 2.5;  // the distance of lines; a token's height
constexpr double kTileGap = 1;
constexpr double kStripWidth = 180, kStripHeight = 10, kStripRoom = 38, kStripTitleGap = 16;
constexpr double kTextTitleRoom = 24;

std::size_t line_breaks(std::string_view token) {
  return static_cast<std::size_t>(std::count(token.begin(), token.end(), '\n'));
}

bool begins_word(std::string_view token) { return token.starts_with(' ') || token.starts_with('\t'); }

// The tokens of a text one after the other, from (0, 0) on.
class Flow {
 public:
  explicit Flow(const ColoredText& text) : text_(text) {
    for (std::size_t begin = 0; begin < text.tokens.size();) {
      const std::size_t end = end_of_word(begin);
      word(begin, end);
      begin = end;
    }
  }

  std::vector<TokenTile> tiles;
  double width = 0, height = kFlowLine;

 private:
  // A word is a token and those after it up to a space or a line break.
  std::size_t end_of_word(std::size_t begin) const {
    std::size_t end = begin + 1;
    while (end < text_.tokens.size() && !begins_word(text_.tokens[end]) && line_breaks(text_.tokens[end - 1]) == 0)
      ++end;
    return end;
  }

  static std::string label_of(const std::string& token) {
    return shorten(visible_spaces(token), kWidestFlow - 2 * kTilePadding, kTokenSize);
  }
  static double width_of(const std::string& label) {
    return std::max(text_width(label, kTokenSize), 4.0) + 2 * kTilePadding;
  }

  void word(std::size_t begin, std::size_t end) {
    double whole = 0;
    for (std::size_t i = begin; i < end; ++i) whole += width_of(label_of(text_.tokens[i])) + kTileGap;
    if (x_ > 0 && x_ + whole > kWidestFlow && whole <= kWidestFlow) next_line();
    for (std::size_t i = begin; i < end; ++i) add(i);
    // An empty line stays empty, however many there are.
    for (std::size_t i = 0; i < std::min<std::size_t>(line_breaks(text_.tokens[end - 1]), 2); ++i) next_line();
  }

  void add(std::size_t token) {
    const std::string label = label_of(text_.tokens[token]);
    const double tile = width_of(label);
    if (x_ > 0 && x_ + tile > kWidestFlow) next_line();
    const Box box{x_, y_ + (kFlowLine - kTile) / 2, tile, kTile};
    tiles.push_back({box, {label, x_ + tile / 2, y_ + kFlowLine / 2, Align::center}, token});
    x_ += tile + kTileGap;
    width = std::max(width, x_);
    height = y_ + kFlowLine;
  }

  void next_line() { x_ = 0, y_ += kFlowLine; }

  const ColoredText& text_;
  double x_ = 0, y_ = 0;
};

double strip_title_width(const ColoredText& text) { return text_width(plain_text(text.scale.title), kAxisTitleSize); }

}  // namespace

PanelNeeds plan_text(const ColoredText& text, const std::string& title) {
  if (text.tokens.size() != text.values.size())
    throw Error("figure", "a coloured text has " + std::to_string(text.tokens.size()) + " tokens and " +
                              std::to_string(text.values.size()) + " values");
  const Flow flow(text);
  PanelNeeds needs;
  double width = std::max(flow.width, text_width(plain_text(title), kPanelTitleSize, true));
  if (text.scale.show_bar) width = std::max(width, kStripWidth + kStripTitleGap + strip_title_width(text));
  needs.plan.plot = {0, 0, std::clamp(width, kNarrowestFlow, kWidestFlow), flow.height};
  needs.left = needs.right = 2;
  needs.bottom = 6;
  needs.top = (title.empty() ? 6 : kTextTitleRoom) + (text.scale.show_bar ? kStripRoom : 0);
  return needs;
}

void place_text(const ColoredText& text, const std::string& title, PanelPlan& plan) {
  const Box& plot = plan.plot;
  plan.tiles = Flow(text).tiles;
  for (TokenTile& tile : plan.tiles) {
    tile.box.left += plot.left, tile.label.x += plot.left;
    tile.box.top += plot.top, tile.label.y += plot.top;
  }
  const double bar = text.scale.show_bar ? kStripRoom : 0;
  plan.title = {shorten(plain_text(title), plot.width, kPanelTitleSize, true), plot.left, plot.top - bar - 13};
  if (!text.scale.show_bar) return;
  ScaleStrip strip;
  strip.box = {plot.left, plot.top - bar + 2, kStripWidth, kStripHeight};
  strip.ticks = linear_ticks(text.scale.low, text.scale.high, 3);
  const double left = strip.box.right() + kStripTitleGap;
  strip.title = {shorten(plain_text(text.scale.title), plot.right() - left, kAxisTitleSize), left,
                 strip.box.top + kStripHeight / 2};
  plan.strip = std::move(strip);
}

TextSpot strip_label(const ScaleStrip& strip, const ColorScale& scale, const Tick& tick) {
  return {tick.label, strip.box.left + scale_fraction(scale, tick.position) * strip.box.width,
          strip.box.bottom() + kTickSize * 0.8, Align::center};
}

std::vector<std::pair<Box, Rgb>> rectangles_of(const ColoredText& text, const PanelPlan& plan, Theme theme) {
  std::vector<std::pair<Box, Rgb>> rectangles;
  for (const TokenTile& tile : plan.tiles)
    if (const auto color = tile_color(text, tile.token, theme)) rectangles.emplace_back(tile.box, *color);
  if (!plan.strip) return rectangles;
  const std::vector<double> bands = strip_bands(text.scale).values[0];
  const double step = plan.strip->box.width / static_cast<double>(bands.size());
  Box rest = plan.strip->box;
  for (const double value : bands) {
    rectangles.emplace_back(rest, scale_color(text.scale, theme, value));
    rest.left += step, rest.width -= step;
  }
  return rectangles;
}

const ColoredText* colored_text_of(const Panel& panel) {
  return panel.marks.size() == 1 ? std::get_if<ColoredText>(&panel.marks[0]) : nullptr;
}

bool is_all_text(const Figure& figure) {
  return std::all_of(figure.panels.begin(), figure.panels.end(),
                     [](const Panel& panel) { return colored_text_of(panel) != nullptr; });
}

std::optional<Rgb> tile_color(const ColoredText& text, std::size_t token, Theme theme) {
  const double value = text.values[token];
  return std::isfinite(value) ? std::optional(scale_color(text.scale, theme, value)) : std::nullopt;
}

Rgb tile_text_color(const ColoredText& text, std::size_t token, Theme theme) {
  const auto ground = tile_color(text, token, theme);
  return ground ? text_on(*ground) : palette(theme).text;
}

Heatmap strip_bands(const ColorScale& scale) {
  Heatmap bands{{{}}};
  for (std::size_t i = 0; i < kBarBands; ++i) {
    const double t = (static_cast<double>(i) + 0.5) / static_cast<double>(kBarBands);
    bands.values[0].push_back(scale.low * (1 - t) + scale.high * t);
  }
  return bands;
}

}  // namespace stratoscope
