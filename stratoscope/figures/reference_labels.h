// Places the labels of dashed reference lines: right of the plot, level with the line, in a panel of bars or points;
// among lines, where they cover the fewest points.
#pragma once

#include "stratoscope/figures/layout.h"

namespace stratoscope {

// The room for labels right of the plot, in pixels; 0 if they are inside.
double reference_margin(const Panel& panel);

// Fills plan.references; plan.plot and both axes must be set.
void place_reference_labels(const Panel& panel, const std::vector<Scatter>& scatters, PanelPlan& plan);

}  // namespace stratoscope
