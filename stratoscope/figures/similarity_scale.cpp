#include "stratoscope/figures/similarity_scale.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "stratoscope/figures/number_text.h"

namespace stratoscope {

ColorScale similarity_scale(std::span<const double> values, double preferred_low, std::string* note,
                            const std::string& title) {
  std::size_t finite = 0, below = 0;
  double least = 1;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    ++finite;
    below += value < preferred_low;
    least = std::min(least, value);
  }
  ColorScale scale{ColorMap::plasma, title, preferred_low, 1, true};
  std::string said;
  if (below * 10 > finite) {
    scale.low = std::max(-1.0, std::floor(least * 20) / 20);
    said = "Colours run from " + brief(scale.low) + " to 1, the range of the data: " + grouped(below) + " of " +
           grouped(finite) + " values lie below the usual " + brief(preferred_low) + ".";
  } else if (below > 0) {
    said = grouped(below) + " of " + grouped(finite) + " values lie below " + brief(preferred_low) +
           " and have the lowest colour.";
  }
  if (note != nullptr) *note = said;
  return scale;
}

ColorScale signed_scale(std::span<const double> values, const std::string& title) {
  double largest = 0;
  for (const double value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  if (largest == 0) largest = 1;
  return {ColorMap::diverging, title, -largest, largest, true};
}

}  // namespace stratoscope
