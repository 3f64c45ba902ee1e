#include "stratoscope/figures/svg.h"

#include <fmt/format.h>

#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/mark_style.h"
#include "stratoscope/figures/svg_cells.h"
#include "stratoscope/figures/svg_elements.h"
#include "stratoscope/figures/svg_marks.h"
#include "stratoscope/figures/text.h"
#include "stratoscope/figures/text_flow.h"

namespace stratoscope {
namespace {

constexpr double kTickLength = 5;

class SvgFigure {
 public:
  SvgFigure(const Figure& figure, Theme theme, Notes notes)
      : figure_(figure), theme_(theme), look_(palette(theme)), plan_(lay_out(figure, notes)) {}

  std::string draw() {
    head();
    for (const TextSpot& spot : plan_.title) label(spot, kFigureTitleSize, look_.text, true);
    for (const TextSpot& spot : plan_.notes) label(spot, kNoteSize, look_.muted);
    for (std::size_t p = 0; p < plan_.panels.size(); ++p) panel(p);
    if (plan_.bar) color_bar(*plan_.bar);
    return std::move(text_) + "</svg>\n";
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  void label(const TextSpot& spot, double size, Rgb color, bool bold = false) {
    text_ += svg_text(spot, size, color, bold);
  }

  void head();
  void panel(std::size_t p);
  void axes(const PanelPlan& plan);
  void texts(std::size_t p);
  void legend(const PanelPlan& plan);
  void strip(const ScaleStrip& strip, const ColorScale& scale);
  void color_bar(const ColorBarPlan& bar);

  const Figure& figure_;
  Theme theme_;
  const Palette& look_;
  FigurePlan plan_;
  std::string text_;
};

void SvgFigure::head() {
  const std::string title = figure_.title.empty() ? figure_.panels.front().title : figure_.title;
  // A page may set another direction and font for all that is inside of it.
  put(R"(<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" width="{0}" )"
      R"(height="{1}" viewBox="0 0 {0} {1}" style="max-width:100%;height:auto" direction="ltr" )"
      R"(font-family="{2}, Arial, sans-serif" font-size="{3}" font-weight="normal">)",
      plan_.width, plan_.height, kFontFamily, kTickSize);
  put("<title>{}</title>", title.empty() ? "Figure" : escape_html(plain_text(title)));
  put("<desc>{}</desc>", escape_html(plain_text(full_caption(figure_))));
  put(R"(<rect width="{}" height="{}" fill="{}"/>)", plan_.width, plan_.height, hex(look_.ground));
}

void SvgFigure::panel(std::size_t p) {
  put("<g>");
  text_ += svg_marks(figure_, plan_, p, theme_);
  if (colored_text_of(figure_.panels[p]) == nullptr) axes(plan_.panels[p]);
  texts(p);
  put("</g>");
}

void SvgFigure::axes(const PanelPlan& plan) {
  const Box& plot = plan.plot;
  const auto on_axis = [](const AxisPlan& axis, const Tick& tick) {
    constexpr double kSlack = 1e-9;
    const double at = axis.fraction(tick.position);
    return at >= -kSlack && at <= 1 + kSlack;
  };
  std::string lines = fmt::format("M{} {}V{}H{}", coordinate(plot.left), coordinate(plot.top),
                                  coordinate(plot.bottom()), coordinate(plot.right()));
  for (const Tick& tick : plan.x.ticks) {
    if (!on_axis(plan.x, tick)) continue;
    const double x = plan.x_of(tick.position);
    lines += fmt::format("M{} {}v{}", coordinate(x), coordinate(plot.bottom()), kTickLength);
    const double level = plot.bottom() + kTickLength + 1 + plan.x.label_extent / 2;
    label(plan.x.rotated ? TextSpot{tick.label, x, plot.bottom() + kTickRoom, Align::right, true}
                         : TextSpot{tick.label, x, level, Align::center},
          kTickSize, look_.text);
  }
  for (const Tick& tick : plan.y.ticks) {
    if (!on_axis(plan.y, tick)) continue;
    const double y = plan.y_of(tick.position);
    lines += fmt::format("M{} {}h{}", coordinate(plot.left), coordinate(y), -kTickLength);
    label({tick.label, plot.left - kTickRoom, y, Align::right}, kTickSize, look_.text);
  }
  put(R"(<path data-part="axes" d="{}" fill="none" stroke="{}" shape-rendering="crispEdges"/>)", lines,
      hex(look_.text));
}

void SvgFigure::legend(const PanelPlan& plan) {
  for (const LegendEntry& entry : plan.legend) {
    label(entry.label, kTickSize, entry.series ? look_.text : look_.muted);
    if (!entry.series) continue;
    put(R"(<path data-part="sample" d="M{} {}H{}" stroke="{}" stroke-width="{}"/>)",
        coordinate(entry.label.x - kSampleStart), coordinate(entry.label.y), coordinate(entry.label.x - kSampleEnd),
        hex(series_color(theme_, *entry.series, plan.series_count)), kLegendLineWidth);
  }
}

void SvgFigure::texts(std::size_t p) {
  const PanelPlan& plan = plan_.panels[p];
  label(plan.title, kPanelTitleSize, look_.text, true);
  label(plan.x_title, kAxisTitleSize, look_.text);
  label(plan.y_title, kAxisTitleSize, look_.text);
  for (const TextSpot& spot : plan.bar_values) label(spot, kNoteSize, look_.text);
  for (const TextSpot& spot : plan.trail_labels) label(spot, kNoteSize, look_.text);
  for (const TextSpot& spot : plan.references) label(spot, kTickSize, look_.muted);
  for (const CellText& text : plan.cell_texts) label(text.spot, kNoteSize, cell_text_color(figure_, p, text, theme_));
  label(plan.blank, kTickSize, look_.muted);
  legend(plan);
  if (plan.strip) strip(*plan.strip, colored_text_of(figure_.panels[p])->scale);
}

void SvgFigure::strip(const ScaleStrip& strip, const ColorScale& scale) {
  text_ += svg_cells(strip_bands(scale), strip.box, scale, theme_, CellForm::squares);
  for (const Tick& tick : strip.ticks) label(strip_label(strip, scale, tick), kTickSize, look_.text);
  label(strip.title, kAxisTitleSize, look_.text);
}

void SvgFigure::color_bar(const ColorBarPlan& bar) {
  const ColorScale& scale = *figure_.color;
  Heatmap bands;  // the highest value on top
  for (std::size_t i = 0; i < kBarBands; ++i) {
    const double t = (static_cast<double>(i) + 0.5) / static_cast<double>(kBarBands);
    bands.values.push_back({scale.high * (1 - t) + scale.low * t});
  }
  put("<g>");
  text_ += svg_cells(bands, bar.box, scale, theme_, CellForm::squares);
  std::string lines;
  for (const Tick& tick : bar.ticks) {
    const double y = bar.box.bottom() - scale_fraction(scale, tick.position) * bar.box.height;
    lines += fmt::format("M{} {}h{}", coordinate(bar.box.right()), coordinate(y), kTickLength);
    label({tick.label, bar.box.right() + kTickRoom - 2, y}, kTickSize, look_.text);
  }
  put(R"(<path data-part="axes" d="{}" stroke="{}" shape-rendering="crispEdges"/>)", lines, hex(look_.text));
  for (const TextSpot& spot : bar.title) label(spot, kAxisTitleSize, look_.text);
  put("</g>");
}

}  // namespace

std::string svg_figure(const Figure& figure, Theme theme, Notes notes) {
  return SvgFigure(figure, theme, notes).draw();
}

}  // namespace stratoscope
