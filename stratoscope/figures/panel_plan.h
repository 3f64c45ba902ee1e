// The plan of a single panel: its size, its axes and the room for its labels. layout.cpp then places it.
#pragma once

#include "stratoscope/figures/layout.h"

namespace stratoscope {

struct PanelNeeds {
  PanelPlan plan;                                   // plot at (0, 0), no texts placed yet
  double left = 0, right = 0, top = 0, bottom = 0;  // around the plot
};

// `small` is for figures of many panels.
PanelNeeds plan_panel(const Panel& panel, bool small);

// Places titles, legend and the labels of references and bars around and in plan.plot.
void place_texts(const Panel& panel, const std::vector<Scatter>& scatters, PanelPlan& plan);

}  // namespace stratoscope
