#include "stratoscope/figures/text_panel.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "stratoscope/figures/similarity_scale.h"

namespace stratoscope {

Panel text_panel(const std::string& title, const std::vector<std::string>& tokens, std::vector<double> values,
                 const std::string& unit, bool is_signed) {
  ColorScale scale = signed_scale(values, unit);
  if (!is_signed) {
    double highest = 0;
    for (const double value : values)
      if (std::isfinite(value)) highest = std::max(highest, value);
    scale = {ColorMap::rising, unit, 0, highest > 0 ? highest : 1};
  }
  return {title, {}, {}, {ColoredText{tokens, std::move(values), std::move(scale)}}};
}

}  // namespace stratoscope
