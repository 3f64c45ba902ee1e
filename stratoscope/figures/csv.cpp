#include "stratoscope/figures/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "stratoscope/figures/layout.h"

namespace stratoscope {

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csv_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : std::string(); }

namespace {

// The label of category i, or its index when the axis has none.
std::string category(const Axis& axis, std::size_t i) {
  return i < axis.ticks.size() ? csv_field(axis.ticks[i]) : std::to_string(i);
}

// The label of a heat map's column or row, or its number.
std::string cell_place(const Axis& axis, std::size_t count, std::size_t i, Side side) {
  return has_number_cells(axis) ? csv_number(cell_middle(axis, count, i, side)) : category(axis, i);
}

// The label at x where x is a category, else the number.
std::string position(const Axis& axis, double x) {
  const bool index = x >= 0 && x == std::floor(x) && x < static_cast<double>(axis.ticks.size());
  return index ? category(axis, static_cast<std::size_t>(x)) : csv_number(x);
}

class Rows {
 public:
  Rows(const Panel& panel, std::string& text) : panel_(panel), name_(csv_field(panel.title)), text_(text) {}

  void operator()(const JitteredPoints& points) {
    for (std::size_t i = 0; i < points.columns.size(); ++i) {
      for (const double value : points.columns[i]) row("", category(panel_.x, i), "", value);
    }
  }
  void operator()(const Line& line) {
    const std::size_t count = std::min(line.x.size(), line.y.size());
    for (std::size_t i = 0; i < count; ++i) row(csv_field(line.label), position(panel_.x, line.x[i]), "", line.y[i]);
  }
  void operator()(const Bars& bars) {
    const Axis& axis = bars.horizontal ? panel_.y : panel_.x;
    for (std::size_t i = 0; i < bars.values.size(); ++i) row("", category(axis, i), "", bars.values[i]);
  }
  void operator()(const Heatmap& map) {
    const std::size_t columns = column_count(map);
    for (std::size_t r = 0; r < map.values.size(); ++r) {
      for (std::size_t c = 0; c < map.values[r].size(); ++c) {
        const bool has_text = r < map.texts.size() && c < map.texts[r].size();
        row(has_text ? csv_field(map.texts[r][c]) : "", cell_place(panel_.x, columns, c, Side::x),
            cell_place(panel_.y, map.values.size(), r, Side::y), map.values[r][c]);
      }
    }
  }
  // x and y are the coordinates, the value is the place along the trail.
  void operator()(const Trails& trails) {
    for (const Trail& trail : trails.trails)
      for (std::size_t i = 0; i < trail.x.size(); ++i)
        row(csv_field(trail.label), csv_number(trail.x[i]), csv_number(trail.y[i]), static_cast<double>(i));
  }
  void operator()(const Points& points) {
    for (std::size_t i = 0; i < points.x.size(); ++i)
      row(i < points.labels.size() ? csv_field(points.labels[i]) : "", csv_number(points.x[i]), "", points.y[i]);
  }
  void operator()(const ColoredText& text) {
    for (std::size_t i = 0; i < text.tokens.size(); ++i)
      row(csv_field(text.tokens[i]), std::to_string(i), "", text.values[i]);
  }
  void operator()(const Reference& reference) { row(csv_field(reference.label), "", "", reference.y); }

 private:
  void row(const std::string& series, const std::string& x, const std::string& y, double value) {
    text_ += name_ + "," + series + "," + x + "," + y + "," + csv_number(value) + "\r\n";
  }

  const Panel& panel_;
  std::string name_;
  std::string& text_;
};

}  // namespace

std::string csv(const Figure& figure) {
  std::string text = "panel,series,x,y,value\r\n";
  for (const Panel& panel : figure.panels) {
    Rows rows(panel, text);
    for (const Mark& mark : panel.marks) std::visit(rows, mark);
  }
  return text;
}

}  // namespace stratoscope
