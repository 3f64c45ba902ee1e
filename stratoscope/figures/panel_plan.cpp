#include "stratoscope/figures/panel_plan.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/base/error.h"
#include "stratoscope/figures/number_text.h"
#include "stratoscope/figures/reference_labels.h"
#include "stratoscope/figures/text.h"
#include "stratoscope/figures/text_flow.h"
#include "stratoscope/figures/theme.h"
#include "stratoscope/figures/trail_labels.h"

namespace stratoscope {
namespace {

constexpr double kTitleHeight = 20;  // a line of axis title with its gap
constexpr double kCellHeight = 19, kCellPadding = 8, kWidestCell = 68, kNarrowestCell = 40,
                 kWidestMap = 2000;                                        // with texts
constexpr double kWidestPicture = 960, kLowestRow = 12, kLowestMap = 200;  // of cells without
constexpr double kNamedRow = 15, kNamedRows = 600;
constexpr double kPanelTitleHeight = 24, kLegendLine = 17, kLegendSample = 20, kWidestLegend = 170;

// The requirements of a panel's marks.
struct Contents {
  std::size_t x_categories = 0, y_categories = 0, lines = 0, labelled_lines = 0;
  double widest_text = 0;                            // in a heat map's cells
  bool number_columns = false, number_rows = false;  // a heat map's numeric axes
  bool heatmap = false, points = false, upright_bars = false, lying_bars = false, trails = false;
  bool named_rows = false;
  bool dots = false, names = false;  // points, and labels of them
  std::vector<double> x_values, y_values;
};

void add(Contents& all, const JitteredPoints& points) {
  all.points = true;
  all.x_categories = std::max(all.x_categories, points.columns.size());
  for (const auto& column : points.columns) all.y_values.insert(all.y_values.end(), column.begin(), column.end());
}

void add(Contents& all, const Line& line) {
  if (line.x.size() != line.y.size()) {
    throw Error("figure", "line '" + plain_text(line.label) + "' has " + std::to_string(line.x.size()) +
                              " x values and " + std::to_string(line.y.size()) + " y values");
  }
  ++all.lines;
  all.labelled_lines += !line.label.empty();
  all.x_values.insert(all.x_values.end(), line.x.begin(), line.x.end());
  all.y_values.insert(all.y_values.end(), line.y.begin(), line.y.end());
}

void add(Contents& all, const Bars& bars) {
  (bars.horizontal ? all.lying_bars : all.upright_bars) = true;
  auto& categories = bars.horizontal ? all.y_categories : all.x_categories;
  auto& values = bars.horizontal ? all.x_values : all.y_values;
  categories = std::max(categories, bars.values.size());
  values.insert(values.end(), bars.values.begin(), bars.values.end());
}

void add(Contents& all, const Heatmap& map) {
  all.heatmap = true;
  all.x_categories = std::max(all.x_categories, column_count(map));
  all.y_categories = std::max(all.y_categories, map.values.size());
  for (const auto& row : map.texts)
    for (const std::string& text : row)
      all.widest_text = std::max(all.widest_text, text_width(plain_text(text), kNoteSize));
}

void add(Contents& all, const Trails& trails) {
  all.trails = true;
  for (const Trail& trail : trails.trails) {
    if (trail.x.size() != trail.y.size())
      throw Error("figure", "trail '" + plain_text(trail.label) + "' has " + std::to_string(trail.x.size()) +
                                " x values and " + std::to_string(trail.y.size()) + " y values");
    all.x_values.insert(all.x_values.end(), trail.x.begin(), trail.x.end());
    all.y_values.insert(all.y_values.end(), trail.y.begin(), trail.y.end());
  }
}

void add(Contents& all, const Points& points) {
  all.dots = true;
  all.names |= !points.labels.empty();
  if (points.x.size() != points.y.size() || (!points.labels.empty() && points.labels.size() != points.x.size()))
    throw Error("figure", "points have " + std::to_string(points.x.size()) + " x values, " +
                              std::to_string(points.y.size()) + " y values and " +
                              std::to_string(points.labels.size()) + " labels");
  all.x_values.insert(all.x_values.end(), points.x.begin(), points.x.end());
  all.y_values.insert(all.y_values.end(), points.y.begin(), points.y.end());
}

void add(Contents&, const ColoredText&) {
  throw Error("figure", "a coloured text cannot share a panel with other marks");
}

void add(Contents& all, const Reference& reference) { all.y_values.push_back(reference.y); }

Contents contents_of(const Panel& panel) {
  Contents all;
  for (const Mark& mark : panel.marks) {
    std::visit([&](const auto& each) { add(all, each); }, mark);
  }
  all.number_columns = all.heatmap && all.x_categories > 0 && has_number_cells(panel.x);
  all.number_rows = all.heatmap && all.y_categories > 0 && has_number_cells(panel.y);
  all.named_rows = !panel.y.ticks.empty();
  all.x_categories = std::max(all.x_categories, panel.x.ticks.size());
  all.y_categories = std::max(all.y_categories, panel.y.ticks.size());
  if (all.lying_bars && (all.upright_bars || all.points || all.heatmap || all.lines > 0)) {
    throw Error("figure", "horizontal bars cannot share a panel with other marks");
  }
  if (all.heatmap && (all.points || all.upright_bars || all.lines > 0)) {
    throw Error("figure", "a heat map cannot share a panel with other marks");
  }
  if (all.trails && (all.x_categories > 0 || all.y_categories > 0)) {
    throw Error("figure", "trails need two numeric axes");
  }
  if (all.dots && (all.x_categories > 0 || all.y_categories > 0)) {
    throw Error("figure", "points need two numeric axes");
  }
  return all;
}

// The width of a cell that fits its text; 0 if there is no room for cells of this width.
double text_cell_width(const Contents& all) {
  if (all.widest_text <= 0) return 0;
  const double desired = std::min(all.widest_text + kCellPadding, kWidestCell);
  const double room = kWidestMap / static_cast<double>(std::max<std::size_t>(all.x_categories, 1));
  return room >= std::min(desired, kNarrowestCell) ? std::min(desired, room) : 0;
}

// Square cells, unless there are many more columns than rows or many more rows than columns.
Box map_size(double columns, double rows, bool small) {
  const double longest = std::max(columns, rows);
  const double cell = std::clamp(234 + (longest - 16) * 7, 234.0, small ? 260.0 : 480.0) / longest;
  const auto side = [&](double cells, double others) {
    if (cells > 4 * others) return std::clamp(cells * 4, cells * cell, kWidestPicture);
    return std::max({cells * cell, std::min(cells * kLowestRow, kLowestMap), 60.0});
  };
  return {0, 0, side(columns, rows), side(rows, columns)};
}

// Cells of a numeric axis are as narrow as they need to be, categories have room for their labels.
double number_map_width(const Contents& all) {
  return all.number_columns ? 360 : std::clamp(static_cast<double>(all.x_categories) * 30, 200.0, kWidestPicture);
}

Box plot_size(const Contents& all, bool small) {
  const auto columns = static_cast<double>(std::max<std::size_t>(all.x_categories, 1));
  const auto rows = static_cast<double>(std::max<std::size_t>(all.y_categories, 1));
  if (const double width = text_cell_width(all); width > 0) return {0, 0, columns * width, rows * kCellHeight};
  if (all.number_columns && all.number_rows) return {0, 0, 420, std::clamp(420 * rows / columns, 120.0, 420.0)};
  if (all.number_columns || all.number_rows) return {0, 0, number_map_width(all), 250};
  if (all.heatmap) {
    Box map = map_size(columns, rows, small);
    // Rows of a wide map are tall enough for their labels.
    if (all.named_rows && columns > 4 * rows) map.height = std::max(map.height, std::min(rows * kNamedRow, kNamedRows));
    return map;
  }
  if (all.lying_bars) return {0, 0, 320, std::clamp(rows * 20, 60.0, 900.0)};
  if (all.trails || all.names) return {0, 0, 520, 420};
  if (all.dots) return {0, 0, 420, 420};
  if (all.x_categories == 0) return {0, 0, 420, 250};
  return {0, 0, std::clamp(columns * (all.points ? 40 : 30), 300.0, 860.0), 250};
}

double legend_width(const Panel& panel, const Contents& all) {
  if (all.labelled_lines < 2) return 0;
  double width = 0;
  for (const Mark& mark : panel.marks) {
    const auto* line = std::get_if<Line>(&mark);
    if (line != nullptr) width = std::max(width, text_width(plain_text(line->label), kTickSize));
  }
  return std::min(width, kWidestLegend) + kLegendSample + 20;
}

// A heat map's rows run downwards, and so do the categories of horizontal bars.
void turn_over(AxisPlan& axis) { std::swap(axis.low, axis.high); }

void place_legend(const Panel& panel, PanelPlan& plan) {
  const auto most = static_cast<std::size_t>(std::max(2.0, plan.plot.height / kLegendLine));
  std::size_t series = 0, hidden = 0;
  std::vector<LegendEntry> entries;
  for (const Mark& mark : panel.marks) {
    const auto* line = std::get_if<Line>(&mark);
    if (line == nullptr) continue;
    const std::size_t index = series++;
    if (line->label.empty()) continue;
    entries.push_back({{shorten(plain_text(line->label), kWidestLegend, kTickSize)}, index});
  }
  if (entries.size() < 2) return;
  if (entries.size() > most) {
    hidden = entries.size() - most + 1;
    entries.resize(most - 1);
    entries.push_back({{"… and " + std::to_string(hidden) + " more"}, std::nullopt});
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    TextSpot& label = entries[i].label;
    label.x = plan.plot.right() + 16 + kLegendSample + 6;
    label.y = plan.plot.top + kLegendLine * (static_cast<double>(i) + 0.5);
  }
  plan.legend = std::move(entries);
}

void place_bar_values(const Panel& panel, PanelPlan& plan) {
  for (const Mark& mark : panel.marks) {
    const auto* bars = std::get_if<Bars>(&mark);
    if (bars == nullptr || !bars->horizontal || bars->values.size() > 60) continue;
    for (std::size_t i = 0; i < bars->values.size(); ++i) {
      const double value = bars->values[i];
      if (!std::isfinite(value)) continue;
      const double end = std::clamp(plan.x.fraction(std::max(value, 0.0)), 0.0, 1.0);
      plan.bar_values.push_back(
          {brief(value), plan.plot.left + end * plan.plot.width + 5, plan.y_of(static_cast<double>(i))});
    }
  }
}

void place_cell_texts(const Panel& panel, PanelPlan& plan) {
  const double width = text_cell_width(contents_of(panel));
  if (width <= 0) return;
  for (const Mark& mark : panel.marks) {
    const auto* map = std::get_if<Heatmap>(&mark);
    if (map == nullptr) continue;
    for (std::size_t row = 0; row < map->texts.size(); ++row)
      for (std::size_t column = 0; column < map->texts[row].size(); ++column)
        plan.cell_texts.push_back({{shorten(plain_text(map->texts[row][column]), width - kCellPadding / 2, kNoteSize),
                                    plan.plot.left + (static_cast<double>(column) + 0.5) * width,
                                    plan.plot.top + (static_cast<double>(row) + 0.5) * kCellHeight, Align::center},
                                   row,
                                   column});
  }
}

// The number of values of a panel's marks; a reference line alone does not count.
struct Values {
  std::size_t all = 0, finite = 0;
  void add(const std::vector<double>& values) {
    all += values.size();
    finite += static_cast<std::size_t>(
        std::count_if(values.begin(), values.end(), [](double v) { return std::isfinite(v); }));
  }
  void operator()(const JitteredPoints& points) {
    std::for_each(points.columns.begin(), points.columns.end(), [this](const auto& each) { add(each); });
  }
  void operator()(const Line& line) { add(line.y); }
  void operator()(const Bars& bars) { add(bars.values); }
  void operator()(const Heatmap& map) {
    std::for_each(map.values.begin(), map.values.end(), [this](const auto& each) { add(each); });
  }
  void operator()(const Trails& trails) {
    std::for_each(trails.trails.begin(), trails.trails.end(), [this](const Trail& each) { add(each.x), add(each.y); });
  }
  void operator()(const Points& points) { add(points.x), add(points.y); }
  void operator()(const ColoredText& text) { add(text.values); }
  void operator()(const Reference&) {}
};

// The reason why a plot is empty, along its longer side if it is too narrow.
void place_blank(const Panel& panel, PanelPlan& plan) {
  Values values;
  for (const Mark& mark : panel.marks) std::visit(values, mark);
  if (values.all == 0 || values.finite > 0) return;
  const Box& plot = plan.plot;
  plan.blank = {"no finite number", plot.left + plot.width / 2, plot.top + plot.height / 2, Align::center};
  plan.blank.upward = text_width(plan.blank.text, kTickSize) > plot.width;
}

}  // namespace

PanelNeeds plan_panel(const Panel& panel, bool small) {
  if (const ColoredText* text = colored_text_of(panel)) return plan_text(*text, panel.title);
  const Contents all = contents_of(panel);
  PanelNeeds needs;
  PanelPlan& plan = needs.plan;
  plan.plot = plot_size(all, small);
  plan.series_count = all.lines;
  plan.x = all.number_columns     ? cell_axis(panel.x, all.x_categories, Side::x, plan.plot.width)
           : all.x_categories > 0 ? category_axis(panel.x.ticks, all.x_categories, Side::x, plan.plot.width)
                                  : numeric_axis(panel.x, all.x_values, all.lying_bars, plan.plot.width, Side::x);
  plan.y = all.number_rows        ? cell_axis(panel.y, all.y_categories, Side::y, plan.plot.height)
           : all.y_categories > 0 ? category_axis(panel.y.ticks, all.y_categories, Side::y, plan.plot.height)
                                  : numeric_axis(panel.y, all.y_values, all.upright_bars, plan.plot.height, Side::y);
  if (all.y_categories > 0) turn_over(plan.y);
  needs.left = kTickRoom + plan.y.label_extent + (panel.y.title.empty() ? 2 : kTitleHeight);
  needs.bottom = kTickRoom + plan.x.label_extent + (panel.x.title.empty() ? 2 : kTitleHeight);
  needs.top = panel.title.empty() ? 10 : kPanelTitleHeight;
  needs.right = std::max({legend_width(panel, all), reference_margin(panel),
                          all.lying_bars            ? 52.0
                          : all.trails || all.names ? kTrailMargin
                                                    : 10.0});
  return needs;
}

void place_texts(const Panel& panel, const std::vector<Scatter>& scatters, PanelPlan& plan) {
  const Box& plot = plan.plot;
  if (const ColoredText* text = colored_text_of(panel)) return place_text(*text, panel.title, plan);
  plan.title = {shorten(plain_text(panel.title), plot.width + 8, kPanelTitleSize, true), plot.left, plot.top - 13};
  plan.x_title = {shorten(plain_text(panel.x.title), plot.width + 40, kAxisTitleSize), plot.left + plot.width / 2,
                  plot.bottom() + kTickRoom + plan.x.label_extent + 9, Align::center};
  plan.y_title = {shorten(plain_text(panel.y.title), plot.height + 30, kAxisTitleSize),
                  plot.left - kTickRoom - plan.y.label_extent - 12, plot.top + plot.height / 2, Align::center, true};
  place_legend(panel, plan);
  place_bar_values(panel, plan);
  place_cell_texts(panel, plan);
  place_trail_labels(panel, plan);
  place_blank(panel, plan);
  place_reference_labels(panel, scatters, plan);
}

}  // namespace stratoscope
