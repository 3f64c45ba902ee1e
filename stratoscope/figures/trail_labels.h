// Where the names of trails stand: beside their ends, as many as cover neither each other nor another trail's end.
#pragma once

#include "stratoscope/figures/layout.h"

namespace stratoscope {

// What a panel of trails leaves free to the right of its plot.
inline constexpr double kTrailMargin = 60;

// Fills plan.trail_labels; the plot's place and the axes are decided. Ends that lie farthest from the others come
// first.
void place_trail_labels(const Panel& panel, PanelPlan& plan);

}  // namespace stratoscope
