// Coloured texts on a terminal.
#pragma once

#include "stratoscope/figures/figure.h"

namespace stratoscope::cli {

// Whether standard output is a terminal that shows any colour: COLORTERM is truecolor or 24bit, and NO_COLOR is not set
// (https://no-color.org).
bool has_true_colors();

// Every coloured text of the figure, below its title and the range of its colours.
void print_colored(const Figure& figure);

}  // namespace stratoscope::cli
