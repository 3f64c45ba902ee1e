#include "stratoscope/figures/vega_lite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/text.h"
#include "stratoscope/figures/vega_lite_parts.h"

namespace stratoscope {
namespace {

Json labels_of(const Axis& axis) {
  Json labels = Json::array();
  for (const std::string& tick : axis.ticks) labels.push_back(plain_text(tick));
  return labels;
}

// One panel as a layered view; collects the parameters of its expressions.
class PanelSpec {
 public:
  PanelSpec(const Figure& figure, const FigurePlan& plan, std::size_t p, Theme theme, Json& params)
      : figure_(figure),
        panel_(figure.panels[p]),
        plan_(plan.panels[p]),
        all_(plan),
        p_(p),
        theme_(theme),
        params_(params) {}

  Json write() {
    if (!panel_.x.ticks.empty()) params_.push_back({{"name", labels('x')}, {"value", labels_of(panel_.x)}});
    if (!panel_.y.ticks.empty()) params_.push_back({{"name", labels('y')}, {"value", labels_of(panel_.y)}});
    for (std::size_t m = 0; m < panel_.marks.size(); ++m) {
      std::visit([&](const auto& mark) { add(mark, m); }, panel_.marks[m]);
    }
    if (!plan_.blank.text.empty()) add_blank();
    if (layers_.empty()) add_layer({{"type", "point"}}, Json::array(), position("x", 'x'), position("y", 'y'));
    return {{"title", {{"text", plain_text(panel_.title)}, {"frame", "group"}, {"offset", 8}}},
            {"width", plan_.plot.width},
            {"height", plan_.plot.height},
            {"layer", std::move(layers_)}};
  }

 private:
  std::string labels(char axis) const { return "labels_" + std::to_string(p_ + 1) + "_" + axis; }
  bool has_labels(char axis) const { return !(axis == 'x' ? panel_.x : panel_.y).ticks.empty(); }
  std::string title(char axis, const char* fallback) const {
    return or_else((axis == 'x' ? panel_.x : panel_.y).title, fallback);
  }

  // The encoding of a position channel: the layout's range and ticks.
  Json position(const char* field, char which) const {
    const AxisPlan& axis = which == 'x' ? plan_.x : plan_.y;
    Json values = Json::array();
    for (const Tick& tick : axis.ticks) values.push_back(tick.position);
    Json look{{"title", plain_text((which == 'x' ? panel_.x : panel_.y).title)}, {"values", values}};
    if (has_labels(which)) look["labelExpr"] = labels(which) + "[datum.value]";
    if (const std::string number = cell_number("datum.value", which); !number.empty())
      look["labelExpr"] = "format(" + number + ", '.6~g')";
    if (which == 'x') look["labelAngle"] = axis.rotated ? -90 : 0;
    if (axis.logarithmic) look["format"] = "~g";
    Json scale{{"domain", {std::min(axis.low, axis.high), std::max(axis.low, axis.high)}}, {"nice", false}};
    if (axis.low > axis.high) scale["reverse"] = true;
    scale[axis.logarithmic ? "type" : "zero"] = axis.logarithmic ? Json("log") : Json(false);
    return {{"field", field}, {"type", "quantitative"}, {"scale", scale}, {"axis", look}};
  }

  // The expression of the number at a place among a heat map's cells; empty for an axis without numbers along them.
  std::string cell_number(const std::string& place, char which) const {
    const Axis& axis = which == 'x' ? panel_.x : panel_.y;
    const bool has_cells = std::any_of(panel_.marks.begin(), panel_.marks.end(),
                                       [](const Mark& mark) { return std::holds_alternative<Heatmap>(mark); });
    if (!has_cells || !has_number_cells(axis)) return {};
    const AxisPlan& plan = which == 'x' ? plan_.x : plan_.y;
    const auto [low, high] = *axis.range;
    const double step = (high - low) / std::abs(plan.high - plan.low);
    return which == 'x' ? fmt::format("{} + ({} + 0.5) * {}", low, place, step)
                        : fmt::format("{} - ({} + 0.5) * {}", high, place, step);
  }

  // The tooltip of a category: its label, or its index without one.
  Json category_tip(const char* field, char axis, const char* fallback, Json& transforms) const {
    if (const std::string number = cell_number(std::string("datum.") + field, axis); !number.empty()) {
      const std::string name = std::string("number_") + axis;
      transforms.push_back({{"calculate", number}, {"as", name}});
      return value_tip(name.c_str(), title(axis, fallback));
    }
    if (!has_labels(axis)) return {{"field", field}, {"type", "quantitative"}, {"title", title(axis, fallback)}};
    const std::string name = std::string("label_") + axis;
    transforms.push_back({{"calculate", labels(axis) + "[datum." + field + "]"}, {"as", name}});
    return {{"field", name}, {"type", "nominal"}, {"title", title(axis, fallback)}};
  }

  Json& add_layer(Json mark, Json data, Json x, Json y) {
    layers_.push_back({{"mark", std::move(mark)},
                       {"data", {{"values", std::move(data)}}},
                       {"encoding", {{"x", std::move(x)}, {"y", std::move(y)}}}});
    return layers_.back();
  }

  // Colours by category, looked up without a scale.
  Json color_lookup(std::size_t m, const std::vector<Rgb>& colors, Json& transforms) {
    Json list = Json::array();
    for (const Rgb& color : colors) list.push_back(hex(color));
    const std::string name = "colors_" + std::to_string(p_ + 1) + "_" + std::to_string(m + 1);
    params_.push_back({{"name", name}, {"value", std::move(list)}});
    transforms.push_back({{"calculate", name + "[datum.i]"}, {"as", "color"}});
    return {{"field", "color"}, {"type", "nominal"}, {"scale", nullptr}, {"legend", nullptr}};
  }

  std::vector<Rgb> category_colors(std::size_t count, bool by_category) const {
    std::vector<Rgb> colors(count, palette(theme_).accent);
    const ColorMap map = figure_.color ? figure_.color->map : ColorMap::plasma;
    for (std::size_t i = 0; i < count && by_category; ++i) colors[i] = category_color(map, theme_, i, count);
    return colors;
  }

  void add(const JitteredPoints&, std::size_t m) {
    Json data = Json::array(), transforms = Json::array();
    const auto& columns = all_.scatters.panels[p_][m].columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      for (const auto& [x, y] : columns[i]) data.push_back({{"i", i}, {"x", std::round(x * 1e4) / 1e4}, {"y", y}});
    }
    const std::size_t each = all_.scatters.shown / std::max<std::size_t>(columns.size(), 1);
    const Json mark{{"type", "circle"},
                    {"size", each > 300  ? 10
                             : each > 80 ? 18
                                         : 30},
                    {"opacity", each > 300 ? 0.5 : 0.65}};
    Json& layer = add_layer(mark, std::move(data), position("x", 'x'), position("y", 'y'));
    layer["encoding"]["color"] =
        color_lookup(m, category_colors(columns.size(), figure_.color.has_value()), transforms);
    layer["encoding"]["tooltip"] = {category_tip("i", 'x', "category", transforms),
                                    value_tip("y", title('y', "value"))};
    layer["transform"] = std::move(transforms);
  }

  void add(const Bars& bars, std::size_t m) {
    Json data = Json::array(), transforms = Json::array();
    for (std::size_t i = 0; i < bars.values.size(); ++i) {
      if (std::isfinite(bars.values[i])) data.push_back({{"i", i}, {"value", bars.values[i]}});
    }
    const char category = bars.horizontal ? 'y' : 'x', value = bars.horizontal ? 'x' : 'y';
    const AxisPlan& axis = bars.horizontal ? plan_.x : plan_.y;
    const double base = axis.logarithmic ? axis.low : std::clamp(0.0, axis.low, axis.high);
    transforms.push_back({{"calculate", "datum.i - 0.38"}, {"as", "from"}});
    transforms.push_back({{"calculate", "datum.i + 0.38"}, {"as", "to"}});
    Json across = position("from", category), along = position("value", value);
    Json& layer = add_layer({{"type", "rect"}}, std::move(data), bars.horizontal ? along : across,
                            bars.horizontal ? across : along);
    Json& encoding = layer["encoding"];
    encoding[std::string(1, category) + "2"] = {{"field", "to"}};
    encoding[std::string(1, value) + "2"] = {{"datum", base}};
    encoding["color"] = color_lookup(m, category_colors(bars.values.size(), bars.color_by_category), transforms);
    encoding["tooltip"] = {category_tip("i", category, "category", transforms),
                           value_tip("value", title(value, "value"))};
    layer["transform"] = std::move(transforms);
  }

  void add(const Line& line, std::size_t) {
    Json data = Json::array(), transforms = Json::array();
    for (std::size_t i = 0; i < line.x.size(); ++i) data.push_back({{"x", line.x[i]}, {"y", line.y[i]}});
    const bool over_points = plan_.series_count == 1 &&
                             std::any_of(panel_.marks.begin(), panel_.marks.end(),
                                         [](const Mark& mark) { return std::holds_alternative<JitteredPoints>(mark); });
    const Rgb color = over_points ? palette(theme_).text : series_color(theme_, series_, plan_.series_count);
    ++series_;
    Json mark{{"type", "line"}, {"strokeWidth", 1.8}, {"color", hex(color)}};
    if (line.markers) mark["point"] = {{"size", 24}, {"color", hex(color)}, {"filled", true}};
    Json& layer = add_layer(mark, std::move(data), position("x", 'x'), position("y", 'y'));
    layer["encoding"]["tooltip"] = {category_tip("x", 'x', "x", transforms), value_tip("y", title('y', "value"))};
    if (!plan_.legend.empty() && !line.label.empty()) layer["encoding"]["color"] = legend(line);
    if (!transforms.empty()) layer["transform"] = std::move(transforms);
  }

  // Every labelled line sets the scale of the whole panel, so that the layers agree.
  Json legend(const Line& line) const {
    Json domain = Json::array(), range = Json::array();
    std::size_t index = 0;
    for (const Mark& mark : panel_.marks) {
      const auto* each = std::get_if<Line>(&mark);
      if (each == nullptr) continue;
      const std::string color = hex(series_color(theme_, index++, plan_.series_count));
      if (each->label.empty()) continue;
      domain.push_back(plain_text(each->label));
      range.push_back(color);
    }
    return {{"datum", plain_text(line.label)},
            {"type", "nominal"},
            {"scale", {{"domain", domain}, {"range", range}}},
            {"legend", {{"title", nullptr}}}};
  }

  // One object per row, which Vega-Lite flattens: an object per cell would be several times as long.
  static Json rows_of(const Heatmap& map) {
    Json rows = Json::array();
    for (std::size_t r = 0; r < map.values.size(); ++r) {
      Json values = Json::array();
      for (const double value : map.values[r])
        values.push_back(std::isfinite(value) ? Json(seven_digits(value)) : Json());
      rows.push_back({{"y", r}, {"values", std::move(values)}});
    }
    return rows;
  }

  // Cells overlap by less than a pixel to avoid gaps between them.
  void add(const Heatmap& map, std::size_t) {
    Json transforms = Json::array();
    transforms.push_back({{"calculate", "sequence(length(datum.values))"}, {"as", "x"}});
    transforms.push_back({{"flatten", {"x", "values"}}, {"as", {"x", "value"}}});
    transforms.push_back({{"filter", "isValid(datum.value)"}});
    const Json tips{category_tip("x", 'x', "column", transforms), category_tip("y", 'y', "row", transforms),
                    value_tip("value", figure_.color ? or_else(figure_.color->title, "value") : "value")};
    for (const char* axis : {"x", "y"}) {
      transforms.push_back(
          {{"calculate", std::string("datum.") + axis + " - 0.5"}, {"as", std::string(axis) + "_from"}});
      transforms.push_back({{"calculate", std::string("datum.") + axis + " + 0.5"}, {"as", std::string(axis) + "_to"}});
    }
    Json& layer = add_layer({{"type", "rect"}, {"clip", true}, {"x2Offset", 0.7}, {"y2Offset", 0.7}}, rows_of(map),
                            position("x_from", 'x'), position("y_from", 'y'));
    layer["transform"] = std::move(transforms);
    layer["encoding"]["x2"] = {{"field", "x_to"}};
    layer["encoding"]["y2"] = {{"field", "y_to"}};
    layer["encoding"]["color"] = scale_color();
    layer["encoding"]["tooltip"] = tips;
    if (!plan_.cell_texts.empty()) add_cell_texts();
  }

  // Both layers use the same data.
  void add(const Trails& trails, std::size_t m) {
    Json data = Json::array(), transforms = Json::array(), names = Json::array(), steps = Json::array();
    for (std::size_t t = 0; t < trails.trails.size(); ++t) {
      const Trail& trail = trails.trails[t];
      names.push_back(plain_text(trail.label));
      for (std::size_t i = 0; i < trail.x.size(); ++i)
        if (std::isfinite(trail.x[i]) && std::isfinite(trail.y[i]))
          data.push_back(
              {{"trail", t}, {"value", i}, {"x", seven_digits(trail.x[i])}, {"y", seven_digits(trail.y[i])}});
    }
    for (const std::string& step : trails.steps) steps.push_back(plain_text(step));
    const std::string of = std::to_string(p_ + 1) + "_" + std::to_string(m + 1);
    params_.push_back({{"name", "trails_" + of}, {"value", std::move(names)}});
    params_.push_back({{"name", "steps_" + of}, {"value", std::move(steps)}});
    transforms.push_back({{"calculate", "trails_" + of + "[datum.trail]"}, {"as", "label"}});
    transforms.push_back({{"calculate", "steps_" + of + "[datum.value]"}, {"as", "step"}});
    const Json x = position("x", 'x'), y = position("y", 'y');
    const Json tips{{{"field", "label"}, {"type", "nominal"}},
                    {{"field", "step"}, {"type", "nominal"}},
                    value_tip("x", title('x', "x")),
                    value_tip("y", title('y', "y"))};
    const Json lines{
        {"mark", {{"type", "line"}, {"strokeWidth", 0.8}, {"opacity", 0.5}, {"color", hex(palette(theme_).muted)}}},
        {"encoding",
         {{"x", x},
          {"y", y},
          {"detail", {{"field", "trail"}, {"type", "nominal"}}},
          {"order", {{"field", "value"}, {"type", "quantitative"}}}}}};
    const Json points{{"mark", {{"type", "circle"}, {"size", data.size() > 1000 ? 8 : 22}, {"opacity", 1}}},
                      {"encoding", {{"x", x}, {"y", y}, {"color", scale_color()}, {"tooltip", tips}}}};
    layers_.push_back(
        {{"data", {{"values", std::move(data)}}}, {"transform", std::move(transforms)}, {"layer", {lines, points}}});
    add_trail_labels();
  }

  void add(const Points& points, std::size_t) {
    Json data = Json::array();
    for (std::size_t i = 0; i < points.x.size(); ++i) {
      if (!std::isfinite(points.x[i]) || !std::isfinite(points.y[i])) continue;
      data.push_back({{"x", seven_digits(points.x[i])}, {"y", seven_digits(points.y[i])}});
      data.back()["label"] = i < points.labels.size() ? plain_text(points.labels[i]) : std::to_string(i);
    }
    const bool many = data.size() > 200;
    Json& layer = add_layer({{"type", "circle"},
                             {"size", many ? 14 : 44},
                             {"opacity", many ? 0.5 : 0.87},
                             {"color", hex(palette(theme_).accent)}},
                            std::move(data), position("x", 'x'), position("y", 'y'));
    layer["encoding"]["tooltip"] = {
        {{"field", "label"}, {"type", "nominal"}}, value_tip("x", title('x', "x")), value_tip("y", title('y', "y"))};
    add_trail_labels();
  }

  void add_trail_labels() {
    for (const TextSpot& spot : plan_.trail_labels) {
      const Json datum{{{"label", spot.text}}};
      add_text(spot, spot.align == Align::right ? "right" : spot.align == Align::center ? "center" : "left", datum);
      layers_.back()["mark"]["color"] = hex(palette(theme_).text);
      layers_.back()["mark"]["fontSize"] = kNoteSize;
    }
  }

  void add_cell_texts() {
    Json data = Json::array();
    for (const CellText& text : plan_.cell_texts)
      data.push_back({{"x", text.column},
                      {"y", text.row},
                      {"label", text.spot.text},
                      {"color", hex(cell_text_color(figure_, p_, text, theme_))}});
    Json& layer =
        add_layer({{"type", "text"}, {"fontSize", kNoteSize}}, std::move(data), position("x", 'x'), position("y", 'y'));
    layer["encoding"]["text"] = {{"field", "label"}, {"type", "nominal"}};
    layer["encoding"]["color"] = {{"field", "color"}, {"type", "nominal"}, {"scale", nullptr}};
  }

  void add(const ColoredText& text, std::size_t) {
    for (Json& layer : text_layers(text, plan_, theme_)) layers_.push_back(std::move(layer));
  }

  // The colour of the field `value` on the figure's scale.
  Json scale_color() const {
    const ColorScale scale = figure_.color.value_or(ColorScale{});
    Json color = scale_stops_of(scale, theme_);
    if (!all_.bar) return color;
    color["legend"] = legend_of(scale, all_.bar->ticks);
    color["legend"]["gradientLength"] = all_.bar->box.height;
    color["legend"]["gradientThickness"] = all_.bar->box.width;
    return color;
  }

  void add(const Reference& reference, std::size_t) {
    const TextSpot& spot = plan_.references[reference_++];
    const std::string muted = hex(palette(theme_).muted);
    const Json datum{{{"y", reference.y}, {"label", plain_text(reference.label)}}};
    layers_.push_back(
        {{"mark", {{"type", "rule"}, {"strokeDash", {6, 4}}, {"strokeWidth", 1.2}, {"color", muted}}},
         {"data", {{"values", datum}}},
         {"encoding",
          {{"y", position("y", 'y')},
           {"tooltip", {{{"field", "label"}, {"type", "nominal"}}, value_tip("y", title('y', "value"))}}}}});
    add_text(spot, "left", datum);
  }

  // `datum` holds the text as `label`.
  void add_text(const TextSpot& spot, const char* align, const Json& datum) {
    const std::string muted = hex(palette(theme_).muted);
    layers_.push_back({{"mark",
                        {{"type", "text"},
                         {"align", align},
                         {"baseline", "middle"},
                         {"angle", spot.upward ? -90 : 0},
                         {"color", muted},
                         {"fontSize", kTickSize}}},
                       {"data", {{"values", datum}}},
                       {"encoding",
                        {{"text", {{"field", "label"}, {"type", "nominal"}}},
                         {"x", {{"value", spot.x - plan_.plot.left}}},
                         {"y", {{"value", spot.y - plan_.plot.top}}}}}});
  }

  void add_blank() {
    const Json datum{{{"label", plan_.blank.text}}};
    add_text(plan_.blank, "center", datum);
  }

  const Figure& figure_;
  const Panel& panel_;
  const PanelPlan& plan_;
  const FigurePlan& all_;
  std::size_t p_;
  Theme theme_;
  Json& params_;
  Json layers_ = Json::array();
  std::size_t series_ = 0, reference_ = 0;
};

// Whether a panel has colours of its own scale.
bool has_scale(const Figure& figure) {
  return std::any_of(figure.panels.begin(), figure.panels.end(), [](const Panel& panel) {
    return std::any_of(panel.marks.begin(), panel.marks.end(), [](const Mark& mark) {
      return std::holds_alternative<Heatmap>(mark) || std::holds_alternative<Trails>(mark);
    });
  });
}

}  // namespace

std::string vega_lite(const Figure& figure, Theme theme) {
  const FigurePlan plan = lay_out(figure);
  Json params = Json::array(), panels = Json::array();
  for (std::size_t p = 0; p < figure.panels.size(); ++p)
    panels.push_back(PanelSpec(figure, plan, p, theme, params).write());
  Json title{{"text", plain_text(figure.title)}, {"fontSize", kFigureTitleSize}, {"offset", 10}};
  if (!plan.notes.empty()) {
    title["subtitle"] = Json::array();
    for (const TextSpot& note : plan.notes) title["subtitle"].push_back(note.text);
  }
  Json spec{{"$schema", "https://vega.github.io/schema/vega-lite/v5.json"},
            {"title", std::move(title)},
            {"description", plain_text(full_caption(figure))},
            {"background", hex(palette(theme).ground)},
            {"padding", 14},
            {"params", std::move(params)},
            {"columns", std::clamp<std::size_t>(figure.columns, 1, figure.panels.size())},
            {"concat", std::move(panels)},
            {"resolve", {{"scale", {{"color", has_scale(figure) ? "shared" : "independent"}}}}},
            {"config", look_of(theme)}};
  if (spec["params"].empty()) spec.erase("params");
  return spec.dump() + "\n";
}

}  // namespace stratoscope
