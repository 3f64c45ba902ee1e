// A coloured text: tokens flow and wrap as in a text, below a horizontal colour bar.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "stratoscope/figures/panel_plan.h"

namespace stratoscope {

// The size of the panel. Throws Error for numbers of tokens and values that differ.
PanelNeeds plan_text(const ColoredText& text, const std::string& title);

// Places tokens, colour bar and title in and above plan.plot.
void place_text(const ColoredText& text, const std::string& title, PanelPlan& plan);

// The label of a tick below the colour bar.
TextSpot strip_label(const ScaleStrip& strip, const ColorScale& scale, const Tick& tick);

// The backgrounds of tokens and the bands of the colour bar, in the order in which they are drawn: each band reaches to
// the bar's end, below those after it, which leaves no gaps.
std::vector<std::pair<Box, Rgb>> rectangles_of(const ColoredText& text, const PanelPlan& plan, Theme theme);

}  // namespace stratoscope
