#include "stratoscope/figures/svg_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stratoscope/figures/mark_style.h"
#include "stratoscope/figures/number_text.h"
#include "stratoscope/figures/svg_cells.h"
#include "stratoscope/figures/svg_elements.h"
#include "stratoscope/figures/text.h"

namespace stratoscope {
namespace {

std::string opacity(const char* what, int clear) {
  return clear == 0 ? "" : fmt::format(R"( {}-opacity="{:.3g}")", what, 1 - clear / 255.0);
}

class PanelMarks {
 public:
  PanelMarks(const Figure& figure, const FigurePlan& plan, std::size_t p, Theme theme)
      : figure_(figure),
        panel_(figure.panels[p]),
        plan_(plan.panels[p]),
        scatters_(plan.scatters.panels[p]),
        shown_(plan.scatters.shown),
        theme_(theme) {}

  std::string draw() {
    for (const Mark& mark : panel_.marks)
      if (const auto* reference = std::get_if<Reference>(&mark)) reference_line(*reference);
    for (mark_ = 0; mark_ < panel_.marks.size(); ++mark_)
      std::visit([this](const auto& each) { add(each); }, panel_.marks[mark_]);
    return std::move(text_);
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  bool visible(Place place) const {
    constexpr double kSlack = 1e-6;  // pixels: an end of the axis is inside
    return place.x >= plan_.plot.left - kSlack && place.x <= plan_.plot.right() + kSlack &&
           place.y >= plan_.plot.top - kSlack && place.y <= plan_.plot.bottom() + kSlack;
  }
  Place place(double x, double y) const { return {plan_.x_of(x), plan_.y_of(y)}; }

  std::string path_through(const std::vector<double>& x, const std::vector<double>& y) const {
    ClippedPath path(plan_.plot);
    for (std::size_t i = 0; i < x.size(); ++i) path.line_to(place(x[i], y[i]));
    return path.commands();
  }

  // A disc without colour, which its group has; nothing outside of the plot.
  void disc(Place at, const DotStyle& style, const std::string& attributes = "") {
    if (visible(at))
      put(R"(<circle cx="{}" cy="{}" r="{:.3g}"{}/>)", coordinate(at.x), coordinate(at.y), style.size * kDotRadius,
          attributes);
  }

  void reference_line(const Reference& reference) {
    const double height = plan_.y.fraction(reference.y);
    if (!(height >= 0 && height <= 1)) return;
    put(R"(<path data-part="reference" d="M{} {}H{}" stroke="{}" stroke-width="{}" stroke-dasharray="3.6 2.4"/>)",
        coordinate(plan_.plot.left), coordinate(plan_.y_of(reference.y)), coordinate(plan_.plot.right()),
        hex(palette(theme_).muted), kReferenceWidth);
  }

  void add(const Reference&) {}

  void add(const JitteredPoints& points) {
    const DotStyle style = jittered_dots(points, shown_);
    const auto& columns = scatters_[mark_].columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      put(R"(<g fill="{}"{}>)", hex(point_color(figure_, points, i, theme_)), opacity("fill", style.clear));
      for (const auto& [x, y] : columns[i]) disc(place(x, y), style);
      put("</g>");
    }
  }

  void add(const Line& line) {
    const std::string color = hex(line_color(panel_, series_++, plan_.series_count, theme_));
    put(R"(<path data-part="line" d="{}" fill="none" stroke="{}" stroke-width="{}" stroke-linejoin="round"/>)",
        path_through(line.x, line.y), color, kLineWidth);
    if (!line.markers) return;
    put(R"(<g fill="{}">)", color);
    for (std::size_t i = 0; i < line.x.size(); ++i) disc(place(line.x[i], line.y[i]), kMarker);
    put("</g>");
  }

  void add(const Bars& bars) {
    const Box& plot = plan_.plot;
    for (std::size_t i = 0; i < bars.values.size(); ++i) {
      const double middle = static_cast<double>(i), value = bars.values[i];
      const Place one =
          bars.horizontal ? place(bar_base(plan_.x), middle - kHalfBar) : place(middle - kHalfBar, bar_base(plan_.y));
      const Place two = bars.horizontal ? place(value, middle + kHalfBar) : place(middle + kHalfBar, value);
      if (!std::isfinite(one.x + one.y) || !std::isfinite(two.x + two.y)) continue;
      const auto [left, right] =
          std::minmax({std::clamp(one.x, plot.left, plot.right()), std::clamp(two.x, plot.left, plot.right())});
      const auto [top, bottom] =
          std::minmax({std::clamp(one.y, plot.top, plot.bottom()), std::clamp(two.y, plot.top, plot.bottom())});
      put(R"(<rect data-part="bar" x="{}" y="{}" width="{}" height="{}" fill="{}"/>)", coordinate(left),
          coordinate(top), coordinate(right - left), coordinate(bottom - top),
          hex(bar_color(figure_, bars, i, theme_)));
    }
  }

  void add(const Heatmap& map) {
    const double left = plan_.x_of(-0.5), top = plan_.y_of(-0.5);
    const Box box{left, top, plan_.x_of(static_cast<double>(column_count(map)) - 0.5) - left,
                  plan_.y_of(static_cast<double>(map.values.size()) - 0.5) - top};
    text_ += svg_cells(map, box, scale(), theme_, cell_form(figure_));
  }

  void add(const Trails& trails) {
    const TrailStyle style = trail_style(trails);
    put(R"(<g fill="none" stroke="{}" stroke-width="{}"{}>)", hex(palette(theme_).muted), style.line_width,
        opacity("stroke", style.line_clear));
    for (const Trail& trail : trails.trails) put(R"(<path data-part="trail" d="{}"/>)", path_through(trail.x, trail.y));
    put("</g>");
    for (const Trail& trail : trails.trails) {
      for (std::size_t step = 0; step < trail.x.size(); ++step) {
        const Rgb color = scale_color(scale(), theme_, static_cast<double>(step));
        disc(place(trail.x[step], trail.y[step]), style.dots, fmt::format(R"( fill="{}")", hex(color)));
      }
    }
  }

  void add(const Points& points) {
    const DotStyle style = point_dots(points);
    put(R"(<g fill="{}"{}>)", hex(palette(theme_).accent), opacity("fill", style.clear));
    for (std::size_t i = 0; i < points.x.size(); ++i) disc(place(points.x[i], points.y[i]), style);
    put("</g>");
  }

  // A pointer on a token shows its value.
  void add(const ColoredText& text) {
    for (const TokenTile& tile : plan_.tiles) {
      const double value = text.values[tile.token];
      put("<g><title>{}</title>",
          escape_html(fmt::format("token {}: {}", tile.token, std::isfinite(value) ? brief(value) : "no value")));
      if (const auto color = tile_color(text, tile.token, theme_))
        put(R"(<rect data-part="token" x="{}" y="{}" width="{}" height="{}" fill="{}"/>)", coordinate(tile.box.left),
            coordinate(tile.box.top), coordinate(tile.box.width), coordinate(tile.box.height), hex(*color));
      text_ += svg_text(tile.label, kTokenSize, tile_text_color(text, tile.token, theme_)) + "</g>\n";
    }
  }

  ColorScale scale() const { return figure_.color.value_or(ColorScale{}); }

  const Figure& figure_;
  const Panel& panel_;
  const PanelPlan& plan_;
  const std::vector<Scatter>& scatters_;
  std::size_t shown_;
  Theme theme_;
  std::size_t mark_ = 0, series_ = 0;  // those that come next
  std::string text_;
};

}  // namespace

std::string svg_marks(const Figure& figure, const FigurePlan& plan, std::size_t p, Theme theme) {
  return PanelMarks(figure, plan, p, theme).draw();
}

}  // namespace stratoscope
