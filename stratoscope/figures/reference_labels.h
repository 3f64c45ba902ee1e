// Puts the label of each dashed reference line where it can be read: right of the plot, level with its line, in a panel
// of bars or points; among lines, where it covers the fewest of them.
#pragma once

#include "stratoscope/figures/layout.h"

namespace stratoscope {

// The room that labels right of the plot need, in pixels; 0 where they stand inside.
double reference_margin(const Panel& panel);

// Fills plan.references; plan.plot and both axes are in place already.
void place_reference_labels(const Panel& panel, const std::vector<Scatter>& scatters, PanelPlan& plan);

}  // namespace stratoscope
