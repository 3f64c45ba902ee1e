// Puts the label of each dashed reference line where it covers the fewest points of the panel.
#pragma once

#include "stratoscope/figures/layout.h"

namespace stratoscope {

// Fills plan.references; plan.plot and both axes are in place already.
void place_reference_labels(const Panel& panel, const std::vector<Scatter>& scatters, PanelPlan& plan);

}  // namespace stratoscope
