// Panels of coloured texts with the usual scales.
#pragma once

#include <string>
#include <vector>

#include "stratoscope/figures/figure.h"

namespace stratoscope {

// A text coloured by one number for each token, not finite for none. Signed numbers have a diverging scale that is
// symmetric about zero; others rise from zero to the largest one.
Panel text_panel(const std::string& title, const std::vector<std::string>& tokens, std::vector<double> values,
                 const std::string& unit, bool is_signed = false);

}  // namespace stratoscope
