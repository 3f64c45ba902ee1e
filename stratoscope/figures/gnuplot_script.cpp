#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "stratoscope/figures/font_coverage.h"
#include "stratoscope/figures/gnuplot.h"
#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/mark_style.h"
#include "stratoscope/figures/text.h"
#include "stratoscope/figures/text_flow.h"

namespace stratoscope {
namespace {

constexpr double kPngScale = 300.0 / 96;
constexpr std::size_t kMostPolygons = 30'000;  // an svg with more cells holds a bitmap instead

std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.7g}", value) : "NaN"; }

class Script {
 public:
  Script(const Figure& figure, Theme theme, Terminal terminal, const std::filesystem::path& output, Notes notes)
      : figure_(figure), theme_(theme), terminal_(terminal), output_(output.string()), plan_(lay_out(figure, notes)) {}

  std::string write() {
    header();
    data();
    line("set multiplot");
    for (std::size_t p = 0; p < plan_.panels.size(); ++p) panel(p);
    if (plan_.bar) color_bar();
    line("unset multiplot");
    line("unset output");
    return std::move(text_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  // Text in single quotes, in which gnuplot does not interpret anything.
  std::string quoted(const std::string& text) const {
    const std::string shown = terminal_ == Terminal::svg ? text : drawable_text(text);
    // Two apostrophes at the start would be an empty string, so leading ones are put in double quotes.
    const std::size_t leading = std::min(shown.find_first_not_of('\''), shown.size());
    if (leading > 0 && leading == shown.size()) return '"' + shown + '"';
    std::string literal = leading > 0 ? '"' + shown.substr(0, leading) + "\".'" : "'";
    for (const char c : shown.substr(leading)) literal += c == '\'' ? "''" : std::string(1, c);
    return literal + "'";
  }
  // A tick label is also a format, so a percent sign is doubled.
  std::string quoted_tick(const std::string& text) const {
    std::string literal;
    for (const char c : quoted(text)) literal += c == '%' ? "%%" : std::string(1, c);
    return literal;
  }
  void comment(const std::string& text) {
    // A backslash at the end would join the next line to the comment.
    for (const std::string& each : wrap(plain_text(text), 700, kNoteSize)) line("# {} ", each);
  }

  // cairo measures fonts in points, svg in pixels.
  double font_size(double pixels) const { return terminal_ == Terminal::svg ? pixels : pixels * 0.75; }
  double across(double x) const { return x / plan_.width; }
  double up(double y) const { return 1 - y / plan_.height; }

  void header();
  void data();
  void matrix_data(std::size_t p, std::size_t m, const Heatmap& map);
  void panel(std::size_t p);
  void frame(const PanelPlan& plan);
  void axes(std::size_t p);
  void headings();
  void texts(std::size_t p);
  void label(const TextSpot& spot, const char* font, double size, const char* color);
  void legend(const PanelPlan& plan);
  void rectangle(const Box& box, Rgb color);
  void colored_text(const ColoredText& text, const PanelPlan& plan);
  void cell_texts(std::size_t p);
  std::string element(std::size_t p, std::size_t m, std::size_t& series) const;
  void color_bar();
  std::string ticks(const std::vector<Tick>& ticks) const;
  bool many_cells() const { return cell_count(figure_) > kMostPolygons; }
  std::string cells(const std::string& block, const Heatmap& map) const;

  const Figure& figure_;
  Theme theme_;
  Terminal terminal_;
  std::string output_;
  FigurePlan plan_;
  std::string text_;
};

void Script::header() {
  comment(figure_.title);
  comment(full_caption(figure_));
  line(
      "#\n# Written by Stratoscope. Run gnuplot on this file, in its folder, to draw the figure again; change what you "
      "like.\n");
  line("set encoding utf8");
  const Palette& look = palette(theme_);
  const double size = font_size(kTickSize);
  switch (terminal_) {
    case Terminal::svg:
      // The font's name is copied to the svg unchanged, which is the only way to get bold text without enhanced mode.
      line("regular = 'sans-serif'\nbold = 'sans-serif\" font-weight=\"bold'");
      line("set terminal svg noenhanced size {},{} font regular.',{}' background '{}'", plan_.width, plan_.height, size,
           hex(look.ground));
      break;
    case Terminal::png:
      line("regular = '{0}'\nbold = '{0}:Bold'", kFontFamily);
      line("scale = {}  # 300 dots per inch", kPngScale);
      line(
          "set terminal pngcairo noenhanced transparent size {},{} font regular.',{}' fontscale scale linewidth scale "
          "pointscale 1.25*scale "
          "dashlength scale",
          std::lround(plan_.width * kPngScale), std::lround(plan_.height * kPngScale), size);
      break;
    case Terminal::pdf:
      line("regular = '{0}'\nbold = '{0}:Bold'", kFontFamily);
      line(
          "set terminal pdfcairo noenhanced size {:.4f}in,{:.4f}in font regular.',{}' fontscale 0.75 pointscale 1.25 "
          "dashlength 3 "
          "background '{}'",
          plan_.width / 96, plan_.height / 96, size, hex(look.ground));
      break;
  }
  line("set output {}", quoted(output_.empty() || output_.front() == '|' ? "./" + output_ : output_));
  line("text = '{}'; muted = '{}'; accent = '{}'", hex(look.text), hex(look.muted), hex(look.accent));
  if (figure_.color) {
    const auto stops = scale_stops(*figure_.color, theme_);
    std::string list;
    for (std::size_t i = 0; i < stops.size(); ++i)
      list += fmt::format("{}{} '{}'", i == 0 ? "" : ", ", i, hex(stops[i]));
    line("set palette defined ({})", list);
    // A bitmap of few colours is shorter; an odd number of them keeps the middle of a diverging map.
    if (terminal_ == Terminal::svg && many_cells()) line("set palette maxcolors 129");
    line("set cbrange [{}:{}]", number(figure_.color->low), number(figure_.color->high));
  }
  line(
      "set border 3 linecolor rgb text\nset tics out nomirror scale 0.6 textcolor rgb text\nunset key; unset "
      "colorbox\n");
}

void Script::matrix_data(std::size_t p, std::size_t m, const Heatmap& map) {
  const std::size_t columns = column_count(map);
  line("$cells_{}_{} << END", p + 1, m + 1);
  for (const auto& row : map.values) {
    std::string numbers;
    for (std::size_t c = 0; c < columns; ++c)
      numbers += (c == 0 ? "" : " ") + (c < row.size() ? number(row[c]) : "NaN");
    line("{}", numbers);
  }
  line("END");
}

// One datablock for each mark, named after its panel and its index among the marks, both counted from 1.
void Script::data() {
  for (std::size_t p = 0; p < figure_.panels.size(); ++p) {
    for (std::size_t m = 0; m < figure_.panels[p].marks.size(); ++m) {
      const Mark& mark = figure_.panels[p].marks[m];
      if (const auto* map = std::get_if<Heatmap>(&mark)) matrix_data(p, m, *map);
      if (const auto* series = std::get_if<Line>(&mark)) {
        line("$line_{}_{} << END", p + 1, m + 1);
        for (std::size_t i = 0; i < series->x.size(); ++i) line("{} {}", number(series->x[i]), number(series->y[i]));
        line("END");
      }
      if (const auto* bars = std::get_if<Bars>(&mark)) {
        line("$bars_{}_{} << END", p + 1, m + 1);
        for (std::size_t i = 0; i < bars->values.size(); ++i) {
          line("{} {} 0x{}", i, number(bars->values[i]), hex(bar_color(figure_, *bars, i, theme_)).substr(1));
        }
        line("END");
      }
      if (const auto* trails = std::get_if<Trails>(&mark)) {
        line("$trails_{}_{} << END", p + 1, m + 1);
        for (std::size_t t = 0; t < trails->trails.size(); ++t) {
          const Trail& trail = trails->trails[t];
          if (t > 0) line("");
          for (std::size_t i = 0; i < trail.x.size(); ++i) line("{} {} {}", number(trail.x[i]), number(trail.y[i]), i);
        }
        line("END");
      }
      if (const auto* points = std::get_if<Points>(&mark)) {
        line("$dots_{}_{} << END", p + 1, m + 1);
        for (std::size_t i = 0; i < points->x.size(); ++i) line("{} {}", number(points->x[i]), number(points->y[i]));
        line("END");
      }
      if (const auto* points = std::get_if<JitteredPoints>(&mark)) {
        const auto& columns = plan_.scatters.panels[p][m].columns;
        line("$points_{}_{} << END", p + 1, m + 1);
        for (std::size_t i = 0; i < columns.size(); ++i) {
          const Rgb color = point_color(figure_, *points, i, theme_);
          for (const auto& [x, y] : columns[i]) line("{:.4f} {} {}", x, number(y), "0x" + hex(color).substr(1));
        }
        line("END");
      }
    }
  }
  line("");
}

void Script::frame(const PanelPlan& plan) {
  line("set lmargin at screen {:.6f}; set rmargin at screen {:.6f}", across(plan.plot.left), across(plan.plot.right()));
  line("set tmargin at screen {:.6f}; set bmargin at screen {:.6f}", up(plan.plot.top), up(plan.plot.bottom()));
  line("unset logscale");  // set by the previous panel; a range need not be positive
  line("set xrange [{}:{}]; set yrange [{}:{}]", number(plan.x.low), number(plan.x.high), number(plan.y.low),
       number(plan.y.high));
}

std::string Script::ticks(const std::vector<Tick>& ticks) const {
  std::string list;
  for (const Tick& tick : ticks)
    list += (list.empty() ? "" : ", ") + quoted_tick(tick.label) + " " + number(tick.position);
  return "(" + list + ") noenhanced";
}

void Script::axes(std::size_t p) {
  const PanelPlan& plan = plan_.panels[p];
  if (plan.x.logarithmic) line("set logscale x");
  if (plan.y.logarithmic) line("set logscale y");
  // The svg terminal places horizontal labels lower than cairo does.
  const char* level = terminal_ == Terminal::svg ? "norotate offset 0,0.55" : "norotate offset 0,0.25";
  line("set xtics {} {}", plan.x.rotated ? "rotate by 90 right offset 0,0" : level, ticks(plan.x.ticks));
  line("set ytics {}", ticks(plan.y.ticks));
}

void Script::label(const TextSpot& spot, const char* font, double size, const char* color) {
  if (spot.text.empty()) return;
  const char* align = spot.align == Align::left ? "left" : spot.align == Align::center ? "center" : "right";
  line("set label {} at screen {:.6f},{:.6f} {} {} noenhanced front font {}.',{}' textcolor rgb {}", quoted(spot.text),
       across(spot.x), up(spot.y), align, spot.upward ? "rotate by 90" : "norotate", font, font_size(size), color);
}

void Script::legend(const PanelPlan& plan) {
  for (const LegendEntry& entry : plan.legend) {
    label(entry.label, "regular", kTickSize, entry.series ? "text" : "muted");
    if (!entry.series) continue;
    line("set arrow from screen {:.6f},{:.6f} to screen {:.6f},{:.6f} nohead linewidth {} linecolor rgb '{}'",
         across(entry.label.x - kSampleStart), up(entry.label.y), across(entry.label.x - kSampleEnd), up(entry.label.y),
         kLegendLineWidth, hex(series_color(theme_, *entry.series, plan.series_count)));
  }
}

void Script::cell_texts(std::size_t p) {
  for (const CellText& text : plan_.panels[p].cell_texts)
    label(text.spot, "regular", kNoteSize, ("'" + hex(cell_text_color(figure_, p, text, theme_)) + "'").c_str());
}

// The figure's title and notes.
void Script::headings() {
  for (const TextSpot& spot : plan_.title) label(spot, "bold", kFigureTitleSize, "text");
  for (const TextSpot& spot : plan_.notes) label(spot, "regular", kNoteSize, "muted");
}

void Script::texts(std::size_t p) {
  const PanelPlan& plan = plan_.panels[p];
  label(plan.title, "bold", kPanelTitleSize, "text");
  label(plan.x_title, "regular", kAxisTitleSize, "text");
  label(plan.y_title, "regular", kAxisTitleSize, "text");
  for (const TextSpot& spot : plan.bar_values) label(spot, "regular", kNoteSize, "text");
  for (const TextSpot& spot : plan.trail_labels) label(spot, "regular", kNoteSize, "text");
  label(plan.blank, "regular", kTickSize, "muted");
  cell_texts(p);
  legend(plan);
  std::size_t r = 0;
  for (const Mark& mark : figure_.panels[p].marks) {
    const auto* reference = std::get_if<Reference>(&mark);
    if (reference == nullptr) continue;
    label(plan.references[r++], "regular", kTickSize, "muted");
    const double height = plan.y.fraction(reference->y);
    if (!(height >= 0 && height <= 1)) continue;
    line(
        "set arrow from graph 0,{0:.6f} to graph 1,{0:.6f} nohead back dashtype (6,4) linewidth {1} linecolor rgb "
        "muted",
        height, kReferenceWidth);
  }
}

std::string Script::cells(const std::string& block, const Heatmap& map) const {
  if (column_count(map) == 0) return "";
  // gnuplot draws no image that has less than two rows and two columns.
  if (map.values.size() == 1 || column_count(map) == 1) {
    return block + " matrix using ($3 == $3 ? $1 : NaN):2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3 with boxxyerror " +
           "fillstyle solid 1 noborder linecolor palette";
  }
  // A browser smooths a stretched bitmap, so cells that are larger than a pixel are drawn as squares.
  return block + (terminal_ == Terminal::png || many_cells() ? " matrix with image" : " matrix with image pixels");
}

// The part of the plot command that draws mark m of panel p; empty for a mark without data.
std::string Script::element(std::size_t p, std::size_t m, std::size_t& series) const {
  const Panel& panel = figure_.panels[p];
  const std::string name = fmt::format("_{}_{}", p + 1, m + 1);
  if (const auto* map = std::get_if<Heatmap>(&panel.marks[m])) {
    return cells("$cells" + name, *map);
  }
  if (const auto* each = std::get_if<Line>(&panel.marks[m])) {
    const Rgb color = line_color(panel, series++, plan_.panels[p].series_count, theme_);
    if (each->x.empty()) return "";
    const std::string style =
        each->markers ? fmt::format("linespoints pointtype 7 pointsize {}", kMarker.size) : "lines";
    return fmt::format("$line{} using 1:2 with {} linewidth {} linecolor rgb '{}'", name, style, kLineWidth,
                       hex(color));
  }
  if (const auto* bars = std::get_if<Bars>(&panel.marks[m])) {
    if (bars->values.empty()) return "";
    const AxisPlan& axis = bars->horizontal ? plan_.panels[p].x : plan_.panels[p].y;
    const std::string base = number(bar_base(axis)), sides = fmt::format("($1-{0}):($1+{0})", kHalfBar);
    const std::string box = bars->horizontal ? "(" + base + "):1:(" + base + "):2:" + sides + ":3"
                                             : "1:(" + base + "):" + sides + ":(" + base + "):2:3";
    return fmt::format("$bars{} using {} with boxxyerror fillstyle solid 1 noborder linecolor rgb variable", name, box);
  }
  if (const auto* trails = std::get_if<Trails>(&panel.marks[m])) {
    const bool some =
        std::any_of(trails->trails.begin(), trails->trails.end(), [](const Trail& trail) { return !trail.x.empty(); });
    if (!some) return "";
    const TrailStyle style = trail_style(*trails);
    return fmt::format(
        "$trails{0} using 1:2 with lines linewidth {1} linecolor rgb '#{2:02x}{3}', \\\n     $trails{0} using 1:2:3 "
        "with "
        "points pointtype 7 pointsize {4} linecolor palette",
        name, style.line_width, style.line_clear, hex(palette(theme_).muted).substr(1), style.dots.size);
  }
  if (const auto* points = std::get_if<Points>(&panel.marks[m])) {
    if (points->x.empty()) return "";
    const DotStyle dots = point_dots(*points);
    return fmt::format("$dots{} using 1:2 with points pointtype 7 pointsize {} linecolor rgb '#{:02x}{}'", name,
                       dots.size, dots.clear, hex(palette(theme_).accent).substr(1));
  }
  if (const auto* points = std::get_if<JitteredPoints>(&panel.marks[m])) {
    if (plan_.scatters.shown == 0) return "";
    const DotStyle dots = jittered_dots(*points, plan_.scatters.shown);
    return fmt::format(
        "$points{} using 1:2:(int($3)+0x{:02x}000000) with points pointtype 7 pointsize {} linecolor rgb variable",
        name, dots.clear, dots.size);
  }
  return "";
}

void Script::rectangle(const Box& box, Rgb color) {
  line(
      "set object rectangle from screen {:.6f},{:.6f} to screen {:.6f},{:.6f} fillcolor rgb '{}' fillstyle solid 1 "
      "noborder back",
      across(box.left), up(box.bottom()), across(box.right()), up(box.top), hex(color));
}

void Script::colored_text(const ColoredText& text, const PanelPlan& plan) {
  line("unset border; unset xtics; unset ytics");
  label(plan.title, "bold", kPanelTitleSize, "text");
  for (const auto& [box, color] : rectangles_of(text, plan, theme_)) rectangle(box, color);
  for (const TokenTile& tile : plan.tiles)
    label(tile.label, "regular", kTokenSize, ("'" + hex(tile_text_color(text, tile.token, theme_)) + "'").c_str());
  if (plan.strip) {
    for (const Tick& tick : plan.strip->ticks)
      label(strip_label(*plan.strip, text.scale, tick), "regular", kTickSize, "text");
    label(plan.strip->title, "regular", kAxisTitleSize, "text");
  }
  line("plot NaN");
  line("unset label; unset object; set border 3 linecolor rgb text\n");
}

void Script::panel(std::size_t p) {
  line("# panel {}", p + 1);
  frame(plan_.panels[p]);
  if (p == 0) headings();
  if (const ColoredText* text = colored_text_of(figure_.panels[p])) return colored_text(*text, plan_.panels[p]);
  axes(p);
  texts(p);
  std::string elements;
  std::size_t series = 0;
  for (std::size_t m = 0; m < figure_.panels[p].marks.size(); ++m) {
    const std::string each = element(p, m, series);
    if (!each.empty()) elements += (elements.empty() ? "" : ", \\\n     ") + each;
  }
  line("plot {}", elements.empty() ? "NaN" : elements);
  line("unset label; unset arrow\n");
}

void Script::color_bar() {
  const ColorBarPlan& bar = *plan_.bar;
  const ColorScale& color = *figure_.color;
  PanelPlan frame_plan;
  frame_plan.plot = bar.box;
  frame_plan.y.low = color.low, frame_plan.y.high = color.high;
  line("# colour bar");
  frame(frame_plan);
  line("unset border; unset xtics; unset ytics");
  line("set y2range [{}:{}]; set y2tics {}", number(color.low), number(color.high), ticks(bar.ticks));
  line("set y2tics textcolor rgb text");
  for (const TextSpot& spot : bar.title) label(spot, "regular", kAxisTitleSize, "text");
  const double step = (color.high - color.low) / static_cast<double>(kBarBands);
  line("set samples {}", kBarBands);
  line(
      "plot sample [t={}:{}] '+' using (0.5):1:(0):(1):($1-{}):($1+{}):1 with boxxyerror fillstyle solid 1 noborder "
      "linecolor palette",
      number(color.low + step / 2), number(color.high - step / 2), number(step), number(step));
}

}  // namespace

std::string gnuplot_script(const Figure& figure, Theme theme, Terminal terminal,
                           const std::filesystem::path& output_name, Notes notes) {
  return Script(figure, theme, terminal, output_name, notes).write();
}

}  // namespace stratoscope
