// The range and tick labels of an axis, the same for every writer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "stratoscope/figures/figure.h"

namespace stratoscope {

struct Tick {
  double position = 0;
  std::string label;  // plain text, shortened
};

struct AxisPlan {
  double low = 0, high = 1;  // low > high if the axis runs downwards
  bool logarithmic = false;
  bool rotated = false;  // labels of an x axis, turned to read upwards
  std::vector<Tick> ticks;
  double label_extent = 0;  // pixels that the labels need away from the axis

  // The place of `value`, from 0 at `low` to 1 at `high`.
  double fraction(double value) const;
};

enum class Side { x, y };

// Labels of categories at 0, 1, 2, …, as many as fit into `pixels` without overlap; long ones end in "…".
AxisPlan category_axis(const std::vector<std::string>& labels, std::size_t count, Side side, double pixels);

// The numbers along the cells of a heat map (Axis in figure.h); ticks have round numbers at the places of
// category_axis.
bool has_number_cells(const Axis& axis);
AxisPlan cell_axis(const Axis& axis, std::size_t count, Side side, double pixels);
// The number in the middle of cell i of `count`, of which row 0 is the top one.
double cell_middle(const Axis& axis, std::size_t count, std::size_t i, Side side);

// A numeric axis over finite `values` (widened a little, from zero where `from_zero`), or over axis.range.
AxisPlan numeric_axis(const Axis& axis, const std::vector<double>& values, bool from_zero, double pixels, Side side);

// Round numbers from low to high, at most about `most`, all with the same number of decimals.
std::vector<Tick> linear_ticks(double low, double high, std::size_t most);

}  // namespace stratoscope
