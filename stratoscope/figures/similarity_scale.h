// The colour range of similarities: fixed, so that figures can be compared, unless it would hide the data.
#pragma once

#include <span>
#include <string>

#include "stratoscope/figures/figure.h"

namespace stratoscope {

// Plasma from `preferred_low` (0.8 between depths, 0.5 between tokens) to 1. When more than a tenth of the finite
// values lie below, the range fits the data instead, and *note (if given) gets a sentence that says so; when some
// are clipped, it says how many. Otherwise *note is emptied.
ColorScale similarity_scale(std::span<const double> values, double preferred_low, std::string* note,
                            const std::string& title = "cosine similarity");

// Diverging and symmetric about zero, wide enough for the largest finite magnitude: a signed change.
ColorScale signed_scale(std::span<const double> values, const std::string& title);

}  // namespace stratoscope
