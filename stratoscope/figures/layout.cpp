#include "stratoscope/figures/layout.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/base/error.h"
#include "stratoscope/figures/panel_plan.h"
#include "stratoscope/figures/text.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {
namespace {

constexpr double kMargin = 14, kColumnGap = 22, kRowGap = 16;
constexpr std::size_t kFewPanels = 4;  // above this they are drawn smaller
constexpr double kTitleLine = 21, kNoteLine = 14;
constexpr double kNarrowest = 320;  // below this a title would break after every word
constexpr double kBarWidth = 13, kBarGap = 18, kTallestBar = 320;

// The room that each row and column of panels needs, so that plots line up.
struct Grid {
  std::vector<double> left, width, right, top, height, bottom;
};

Grid measure(const std::vector<PanelNeeds>& panels, std::size_t columns) {
  const std::size_t rows = (panels.size() + columns - 1) / columns;
  Grid grid{std::vector<double>(columns), std::vector<double>(columns), std::vector<double>(columns),
            std::vector<double>(rows),    std::vector<double>(rows),    std::vector<double>(rows)};
  const auto grow = [](double& room, double need) { room = std::max(room, need); };
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const PanelNeeds& panel = panels[i];
    const std::size_t column = i % columns, row = i / columns;
    grow(grid.left[column], panel.left), grow(grid.width[column], panel.plan.plot.width);
    grow(grid.right[column], panel.right), grow(grid.top[row], panel.top);
    grow(grid.height[row], panel.plan.plot.height), grow(grid.bottom[row], panel.bottom);
  }
  return grid;
}

double total(const std::vector<double>& sizes, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += sizes[i];
  return sum;
}

// Puts every plot into its cell of the grid with the top left corner (left, top); returns the grid's box.
Box place_panels(std::vector<PanelNeeds>& panels, const Grid& grid, std::size_t columns, double left, double top) {
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const std::size_t column = i % columns, row = i / columns;
    Box& plot = panels[i].plan.plot;
    plot.left = left + static_cast<double>(column) * kColumnGap + total(grid.left, column + 1) +
                total(grid.width, column) + total(grid.right, column);
    plot.top = top + static_cast<double>(row) * kRowGap + total(grid.top, row + 1) + total(grid.height, row) +
               total(grid.bottom, row);
  }
  const std::size_t rows = grid.top.size();
  return {left, top,
          static_cast<double>(columns - 1) * kColumnGap + total(grid.left, columns) + total(grid.width, columns) +
              total(grid.right, columns),
          static_cast<double>(rows - 1) * kRowGap + total(grid.top, rows) + total(grid.height, rows) +
              total(grid.bottom, rows)};
}

// To the right of the grid, level with the plots, not taller than kTallestBar.
ColorBarPlan plan_bar(const ColorScale& scale, const std::vector<PanelNeeds>& panels, const Box& grid) {
  double top = panels.front().plan.plot.top, bottom = top;
  for (const PanelNeeds& panel : panels) bottom = std::max(bottom, panel.plan.plot.bottom());
  ColorBarPlan bar;
  const double height = std::max(80.0, std::min(bottom - top, kTallestBar));
  bar.box = {grid.right() + kBarGap, top + (bottom - top - height) / 2, kBarWidth, height};
  bar.ticks = linear_ticks(scale.low, scale.high, static_cast<std::size_t>(height / 40));
  double widest = 0;
  for (const Tick& tick : bar.ticks) widest = std::max(widest, text_width(tick.label, kTickSize));
  bar.right = bar.box.right() + 9 + widest + 4;
  for (const std::string& text : wrap(plain_text(scale.title), height + 20, kAxisTitleSize)) {
    if (bar.title.size() == 3) break;
    bar.title.push_back({text, bar.right + 9, bar.box.top + height / 2, Align::center, true});
    bar.right += kAxisTitleSize * 1.3;
  }
  return bar;
}

void check(const ColorScale& color) {
  if (!std::isfinite(color.low) || !std::isfinite(color.high) || !(color.low < color.high)) {
    throw Error("figure", "the colour range must run from a lower to a higher finite number");
  }
}

void check(const Figure& figure) {
  if (figure.panels.empty()) throw Error("figure", "there is no panel to draw");
  if (figure.color) check(*figure.color);
  for (const Panel& panel : figure.panels)
    if (const ColoredText* text = colored_text_of(panel)) check(text->scale);
}

// At most `most` lines; the last one ends in "…" if there are more.
std::vector<TextSpot> stacked(const std::string& text, const Box& area, double size, double line, std::size_t most) {
  std::vector<TextSpot> spots;
  for (const std::string& each : wrap(plain_text(text), area.width, size)) {
    if (spots.size() == most) {
      spots.back().text += " …";
      break;
    }
    spots.push_back({each, area.left, area.top + line * (static_cast<double>(spots.size()) + 0.5)});
  }
  return spots;
}

std::string joined(const std::string& first, const std::string& second) {
  return first.empty() || second.empty() ? first + second : first + " " + second;
}

}  // namespace

FigurePlan lay_out(const Figure& figure, Notes notes) {
  check(figure);
  FigurePlan plan;
  plan.scatters = scatter(figure);
  std::vector<PanelNeeds> panels;
  for (const Panel& panel : figure.panels) panels.push_back(plan_panel(panel, figure.panels.size() > kFewPanels));
  const std::size_t columns = std::clamp<std::size_t>(figure.columns, 1, panels.size());
  const Grid grid = measure(panels, columns);

  Box area = place_panels(panels, grid, columns, kMargin, 0);
  const bool with_bar = figure.color && figure.color->show_bar;
  plan.width = area.right() + kMargin;
  if (with_bar) plan.width = plan_bar(*figure.color, panels, area).right + kMargin;
  const std::string note = notes == Notes::drawn ? joined(figure.note, plan.scatters.note()) : "";
  if (!figure.title.empty() || !note.empty()) plan.width = std::max(plan.width, kNarrowest);

  const Box title_area{kMargin, kMargin - 2, plan.width - 2 * kMargin, 0};
  // Titles are bold: a little less fits on a line.
  plan.title = stacked(figure.title, title_area, kFigureTitleSize * 1.12, kTitleLine, 3);
  const double top = kMargin + (plan.title.empty() ? -4 : kTitleLine * static_cast<double>(plan.title.size()) + 4);
  area = place_panels(panels, grid, columns, kMargin, top);
  if (with_bar) plan.bar = plan_bar(*figure.color, panels, area);

  const Box note_area{kMargin, area.bottom() + 8, plan.width - 2 * kMargin, 0};
  plan.notes = stacked(note, note_area, kNoteSize, kNoteLine, 6);
  plan.height = area.bottom() + (plan.notes.empty() ? 0 : 8 + kNoteLine * static_cast<double>(plan.notes.size())) + 10;

  for (std::size_t i = 0; i < panels.size(); ++i) {
    place_texts(figure.panels[i], plan.scatters.panels[i], panels[i].plan);
    plan.panels.push_back(std::move(panels[i].plan));
  }
  plan.width = std::ceil(plan.width);
  plan.height = std::ceil(plan.height);
  return plan;
}

Rgb cell_text_color(const Figure& figure, std::size_t panel, const CellText& text, Theme theme) {
  const ColorScale scale = figure.color.value_or(ColorScale{});
  for (const Mark& mark : figure.panels[panel].marks) {
    const auto* map = std::get_if<Heatmap>(&mark);
    if (map == nullptr || text.row >= map->values.size() || text.column >= map->values[text.row].size()) continue;
    const double value = map->values[text.row][text.column];
    if (std::isfinite(value)) return text_on(scale_color(scale, theme, value));
  }
  return palette(theme).text;
}

std::size_t column_count(const Heatmap& map) {
  std::size_t columns = 0;
  for (const auto& row : map.values) columns = std::max(columns, row.size());
  return columns;
}

std::size_t cell_count(const Figure& figure) {
  std::size_t count = 0;
  for (const Panel& panel : figure.panels) {
    for (const Mark& mark : panel.marks) {
      if (const auto* map = std::get_if<Heatmap>(&mark)) count += map->values.size() * column_count(*map);
    }
  }
  return count;
}

std::string full_caption(const Figure& figure) {
  return joined(joined(figure.caption, figure.note), scatter(figure).note());
}

}  // namespace stratoscope
