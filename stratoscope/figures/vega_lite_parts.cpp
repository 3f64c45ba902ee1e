#include "stratoscope/figures/vega_lite_parts.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <utility>

#include "stratoscope/figures/text.h"

namespace stratoscope {

double seven_digits(double value) { return std::strtod(fmt::format("{:.7g}", value).c_str(), nullptr); }

std::string or_else(const std::string& text, const char* fallback) {
  return text.empty() ? fallback : plain_text(text);
}

Json value_tip(const char* field, const std::string& name) {
  return {{"field", field}, {"type", "quantitative"}, {"title", name}, {"format", ".6~g"}};
}

Json scale_stops_of(const ColorScale& scale, Theme theme) {
  const auto stops = scale_stops(scale, theme);
  Json domain = Json::array(), range = Json::array();
  for (std::size_t i = 0; i < stops.size(); ++i) {
    domain.push_back(scale.low +
                     (scale.high - scale.low) * static_cast<double>(i) / static_cast<double>(stops.size() - 1));
    range.push_back(hex(stops[i]));
  }
  Json color{{"field", "value"},
             {"type", "quantitative"},
             {"scale", {{"domain", domain}, {"range", range}, {"clamp", true}, {"interpolate", "rgb"}}}};
  color["legend"] = nullptr;
  return color;
}

Json legend_of(const ColorScale& scale, const std::vector<Tick>& ticks) {
  Json values = Json::array();
  for (const Tick& tick : ticks) values.push_back(tick.position);
  return {{"title", plain_text(scale.title)}, {"values", std::move(values)}};
}

namespace {

// A place in pixels from the top left corner of the plot.
Json in_pixels(const char* field) {
  return {{"field", field}, {"type", "quantitative"}, {"scale", nullptr}, {"axis", nullptr}};
}

Json layer_of(Json mark, Json data) {
  return {{"mark", std::move(mark)},
          {"data", {{"values", std::move(data)}}},
          {"encoding", {{"x", in_pixels("x")}, {"y", in_pixels("y")}}}};
}

Json background_layer(const ColoredText& text, const PanelPlan& plan, Theme theme) {
  Json data = Json::array();
  for (const TokenTile& tile : plan.tiles) {
    const double value = text.values[tile.token];
    if (!std::isfinite(value)) continue;
    const Box& box = tile.box;
    data.push_back({{"i", tile.token},
                    {"label", tile.label.text},
                    {"value", seven_digits(value)},
                    {"x", seven_digits(box.left - plan.plot.left)},
                    {"y", seven_digits(box.top - plan.plot.top)},
                    {"x2", seven_digits(box.right() - plan.plot.left)},
                    {"y2", seven_digits(box.bottom() - plan.plot.top)}});
  }
  Json layer = layer_of({{"type", "rect"}}, std::move(data));
  Json& encoding = layer["encoding"];
  encoding["x2"] = {{"field", "x2"}};
  encoding["y2"] = {{"field", "y2"}};
  encoding["color"] = scale_stops_of(text.scale, theme);
  if (plan.strip) {
    encoding["color"]["legend"] = legend_of(text.scale, plan.strip->ticks);
    encoding["color"]["legend"].update({{"orient", "top"},
                                        {"direction", "horizontal"},
                                        {"gradientLength", plan.strip->box.width},
                                        {"gradientThickness", plan.strip->box.height}});
  }
  encoding["tooltip"] = {{{"field", "i"}, {"type", "quantitative"}, {"title", "index"}},
                         {{"field", "label"}, {"type", "nominal"}, {"title", "token"}},
                         value_tip("value", or_else(text.scale.title, "value"))};
  return layer;
}

Json letters_layer(const ColoredText& text, const PanelPlan& plan, Theme theme) {
  Json data = Json::array();
  for (const TokenTile& tile : plan.tiles)
    data.push_back({{"x", seven_digits(tile.label.x - plan.plot.left)},
                    {"y", seven_digits(tile.label.y - plan.plot.top)},
                    {"label", tile.label.text},
                    {"color", hex(tile_text_color(text, tile.token, theme))}});
  Json layer = layer_of({{"type", "text"}, {"fontSize", kTokenSize}, {"baseline", "middle"}}, std::move(data));
  layer["encoding"]["text"] = {{"field", "label"}, {"type", "nominal"}};
  layer["encoding"]["color"] = {{"field", "color"}, {"type", "nominal"}, {"scale", nullptr}};
  return layer;
}

}  // namespace

std::vector<Json> text_layers(const ColoredText& text, const PanelPlan& plan, Theme theme) {
  return {background_layer(text, plan, theme), letters_layer(text, plan, theme)};
}

Json look_of(Theme theme) {
  const std::string text = hex(palette(theme).text);
  return {{"font", std::string(kFontFamily) + ", Helvetica, Arial, sans-serif"},
          {"view", {{"stroke", nullptr}}},
          {"axis",
           {{"domainColor", text},
            {"tickColor", text},
            {"labelColor", text},
            {"titleColor", text},
            {"grid", false},
            {"labelFontSize", kTickSize},
            {"titleFontSize", kAxisTitleSize},
            {"titleFontWeight", "normal"},
            {"labelLimit", 110}}},
          {"title",
           {{"color", text},
            {"anchor", "start"},
            {"fontSize", kPanelTitleSize},
            {"fontWeight", "bold"},
            {"subtitleColor", hex(palette(theme).muted)}}},
          {"legend",
           {{"labelColor", text},
            {"titleColor", text},
            {"labelFontSize", kTickSize},
            {"titleFontSize", kAxisTitleSize},
            {"titleFontWeight", "normal"},
            {"titleLimit", 0}}}};
}

}  // namespace stratoscope
