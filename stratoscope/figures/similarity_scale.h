// The colour range of similarities: fixed, so that figures can be compared, unless it would hide the data.
#pragma once

#include <span>
#include <string>

#include "stratoscope/figures/figure.h"

namespace stratoscope {

// Plasma from `preferred_low` (0.8 between depths, 0.5 between tokens) to 1. If more than a tenth of the finite values
// are lower, the range fits the data instead, and *note (if given) becomes a sentence about it; if some are clipped, it
// has their number. Otherwise *note becomes empty.
ColorScale similarity_scale(std::span<const double> values, double preferred_low, std::string* note,
                            const std::string& title = "cosine similarity");

// Diverging and symmetric about zero, up to the largest finite magnitude: for signed changes.
ColorScale signed_scale(std::span<const double> values, const std::string& title);

}  // namespace stratoscope
