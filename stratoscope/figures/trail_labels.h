// Places the names of trails at their ends, and of points beside them: as many as cover neither each other nor another
// end or point.
#pragma once

#include "stratoscope/figures/layout.h"

namespace stratoscope {

// The room right of the plot of a panel with trails.
inline constexpr double kTrailMargin = 60;

// Fills plan.trail_labels; the plot's place and the axes must be set. Ends and points with the largest distance from
// the others have priority.
void place_trail_labels(const Panel& panel, PanelPlan& plan);

}  // namespace stratoscope
