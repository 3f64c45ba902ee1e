#include "stratoscope/figures/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "stratoscope/figures/csv.h"
#include "stratoscope/figures/gnuplot.h"
#include "stratoscope/figures/inline_svg.h"
#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/number_text.h"
#include "stratoscope/figures/svg.h"
#include "stratoscope/figures/text.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMostTableCells = 3000, kMostNumbers = 20'000;

struct CountNumbers {
  static std::size_t sizes(const std::vector<std::vector<double>>& lists) {
    std::size_t sum = 0;
    for (const auto& list : lists) sum += list.size();
    return sum;
  }
  std::size_t operator()(const JitteredPoints& points) const { return sizes(points.columns); }
  std::size_t operator()(const Line& line) const { return line.y.size(); }
  std::size_t operator()(const Bars& bars) const { return bars.values.size(); }
  std::size_t operator()(const Heatmap& map) const { return sizes(map.values); }
  std::size_t operator()(const Trails& trails) const {
    std::size_t sum = 0;
    for (const Trail& trail : trails.trails) sum += trail.x.size() + trail.y.size();
    return sum;
  }
  std::size_t operator()(const Points& points) const { return points.x.size() + points.y.size(); }
  std::size_t operator()(const ColoredText& text) const { return text.values.size(); }
  std::size_t operator()(const Reference&) const { return 1; }
};

std::size_t count_numbers(const Figure& figure) {
  std::size_t count = 0;
  for (const Panel& panel : figure.panels) {
    for (const Mark& mark : panel.marks) count += std::visit(CountNumbers{}, mark);
  }
  return count;
}

// FNV-1a, to distinguish figures; two equal figures may share their ids.
std::string fingerprint(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("f{:012x}_", hash & 0xffffffffffff);
}

std::string shown(double value) { return std::isfinite(value) ? fmt::format("{:.6g}", value) : ""; }

std::string label(const Axis& axis, std::size_t i) {
  return i < axis.ticks.size() ? escape_html(plain_text(axis.ticks[i])) : std::to_string(i);
}

// The head of a heat map's column or row.
std::string place(const Axis& axis, std::size_t count, std::size_t i, Side side) {
  return has_number_cells(axis) ? shown(cell_middle(axis, count, i, side)) : label(axis, i);
}

std::string cells(const std::vector<double>& values, const std::vector<std::string>& texts = {}) {
  std::string row;
  for (std::size_t i = 0; i < values.size(); ++i)
    row += "<td>" + (i < texts.size() ? escape_html(plain_text(texts[i])) + " " : "") + shown(values[i]) + "</td>";
  return row;
}

std::string head(const std::string& first, const std::string& second) {
  return "<tr><th>" + escape_html(plain_text(first)) + "</th><th>" + escape_html(plain_text(second)) + "</th></tr>\n";
}

class Tables {
 public:
  explicit Tables(const Panel& panel) : panel_(panel) {}

  std::string operator()(const JitteredPoints& points) const {
    std::string rows;
    for (std::size_t i = 0; i < points.columns.size(); ++i) {
      rows += "<tr><th>" + label(panel_.x, i) + "</th>" + cells(points.columns[i]) + "</tr>\n";
    }
    return rows;
  }
  std::string operator()(const Line& line) const {
    std::string rows = head(panel_.x.title, line.label.empty() ? panel_.y.title : line.label);
    for (std::size_t i = 0; i < std::min(line.x.size(), line.y.size()); ++i) {
      const bool category =
          !panel_.x.ticks.empty() && line.x[i] >= 0 && line.x[i] == std::floor(line.x[i]) && line.x[i] < 1e9;
      const std::string x = category ? label(panel_.x, static_cast<std::size_t>(line.x[i])) : shown(line.x[i]);
      rows += "<tr><th>" + x + "</th><td>" + shown(line.y[i]) + "</td></tr>\n";
    }
    return rows;
  }
  std::string operator()(const Bars& bars) const {
    const Axis& names = bars.horizontal ? panel_.y : panel_.x;
    std::string rows = head(names.title, (bars.horizontal ? panel_.x : panel_.y).title);
    for (std::size_t i = 0; i < bars.values.size(); ++i) {
      rows += "<tr><th>" + label(names, i) + "</th><td>" + shown(bars.values[i]) + "</td></tr>\n";
    }
    return rows;
  }
  std::string operator()(const Heatmap& map) const {
    std::string rows = "<tr><th></th>";
    const std::size_t columns = column_count(map), count = map.values.size();
    for (std::size_t c = 0; c < columns; ++c) rows += "<th>" + place(panel_.x, columns, c, Side::x) + "</th>";
    rows += "</tr>\n";
    for (std::size_t r = 0; r < count; ++r) {
      rows += "<tr><th>" + place(panel_.y, count, r, Side::y) + "</th>" +
              cells(map.values[r], r < map.texts.size() ? map.texts[r] : std::vector<std::string>{}) + "</tr>\n";
    }
    return rows;
  }
  std::string operator()(const Trails& trails) const {
    std::string rows = "<tr><th></th>";
    for (const std::string& step : trails.steps) rows += "<th>" + escape_html(plain_text(step)) + "</th>";
    rows += "</tr>\n";
    for (const Trail& trail : trails.trails) {
      rows += "<tr><th>" + escape_html(plain_text(trail.label)) + "</th>";
      for (std::size_t i = 0; i < trail.x.size(); ++i)
        rows += "<td>" + shown(trail.x[i]) + ", " + shown(trail.y[i]) + "</td>";
      rows += "</tr>\n";
    }
    return rows;
  }
  std::string operator()(const Points& points) const {
    std::string rows = "<tr><th></th><th>" + escape_html(plain_text(panel_.x.title)) + "</th><th>" +
                       escape_html(plain_text(panel_.y.title)) + "</th></tr>\n";
    for (std::size_t i = 0; i < points.x.size(); ++i) {
      const std::string name = i < points.labels.size() ? escape_html(plain_text(points.labels[i])) : std::to_string(i);
      rows += "<tr><th>" + name + "</th><td>" + shown(points.x[i]) + "</td><td>" + shown(points.y[i]) + "</td></tr>\n";
    }
    return rows;
  }
  std::string operator()(const ColoredText& text) const {
    std::string rows = head("token", text.scale.title);
    for (std::size_t i = 0; i < text.tokens.size(); ++i)
      rows += "<tr><th>" + escape_html(visible_spaces(text.tokens[i])) + "</th><td>" + shown(text.values[i]) +
              "</td></tr>\n";
    return rows;
  }
  std::string operator()(const Reference& reference) const {
    return "<tr><th>" + escape_html(plain_text(reference.label)) + "</th><td>" + shown(reference.y) + "</td></tr>\n";
  }

 private:
  const Panel& panel_;
};

}  // namespace

std::string render_svg(const Figure& figure, Theme theme, const Progress* progress) {
  // svg_figure shows a token's value under the pointer.
  if (is_all_text(figure)) return svg_figure(figure, theme, Notes::left_out);
  const std::string script = gnuplot_script(figure, theme, Terminal::svg, "figure.svg", Notes::left_out);
  try {
    return inline_svg(render(script, Terminal::svg, "figure.svg", progress), figure.title, fingerprint(script));
  } catch (const NoGnuplot&) {
    return svg_figure(figure, theme, Notes::left_out);
  }
}

std::string html_numbers(const Figure& figure) {
  const std::size_t count = count_numbers(figure);
  if (count > kMostNumbers) {
    return "<p>" + grouped(count) + " numbers are too many for a page. <code>--json</code> prints them, and " +
           "<code>demo</code> writes them into csv files next to its page.</p>\n";
  }
  if (count > kMostTableCells) return "<pre>" + escape_html(csv(figure)) + "</pre>\n";
  std::string tables;
  for (const Panel& panel : figure.panels) {
    for (const Mark& mark : panel.marks) {
      tables += "<table><caption>" + escape_html(plain_text(panel.title)) + "</caption>\n" +
                std::visit(Tables(panel), mark) + "</table>\n";
    }
  }
  return tables;
}

std::string html_fragment(const Figure& figure, Theme theme, const Progress* progress) {
  return "<figure>\n" + render_svg(figure, theme, progress) + "<figcaption>" +
         escape_html(plain_text(full_caption(figure))) +
         "</figcaption>\n<details><summary>The numbers</summary>\n<div class=\"numbers\">\n" + html_numbers(figure) +
         "</div>\n</details>\n</figure>\n";
}

std::string html_page(const Figure& figure, Theme theme, const Progress* progress) {
  const Palette& look = palette(theme);
  const std::string style = fmt::format(
      "body{{margin:2rem;background:{0};color:{1};font:15px/1.5 'DejaVu Sans',Helvetica,Arial,sans-serif}}"
      "figure{{margin:0 auto;max-width:max-content}}figcaption{{max-width:46rem;margin:.8rem 0}}"
      "summary{{cursor:pointer;color:{2}}}.numbers{{overflow:auto;max-height:30rem;font-size:12px}}"
      "table{{border-collapse:collapse;margin:1rem 0}}caption{{text-align:left;font-weight:bold}}"
      "th,td{{padding:.1rem "
      ".6rem;text-align:right;font-variant-numeric:tabular-nums}}th{{font-weight:normal;color:{2}}}",
      hex(look.ground), hex(look.text), hex(look.muted));
  const std::string title = figure.title.empty() ? "Figure" : escape_html(plain_text(figure.title));
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
         "content=\"width=device-width\">\n<title>" +
         title + "</title>\n<style>" + style + "</style>\n</head>\n<body>\n" + html_fragment(figure, theme, progress) +
         "</body>\n</html>\n";
}

}  // namespace stratoscope
