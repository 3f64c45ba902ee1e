#include "stratoscope/probe/value_selector.h"

#include <algorithm>
#include <cmath>

namespace stratoscope {

std::size_t ValueSelector::among(std::size_t count) const {
  if (!percent) return static_cast<std::size_t>(amount);
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(amount / 100 * static_cast<double>(count))));
}

std::vector<std::size_t> first_by(std::vector<std::size_t> indices, std::size_t wanted,
                                  const std::function<bool(std::size_t, std::size_t)>& before) {
  if (wanted >= indices.size()) return indices;
  const auto end = indices.begin() + static_cast<std::ptrdiff_t>(wanted);
  std::nth_element(indices.begin(), end, indices.end(),
                   [&](std::size_t a, std::size_t b) { return before(a, b) || (!before(b, a) && a < b); });
  indices.erase(end, indices.end());
  std::sort(indices.begin(), indices.end());
  return indices;
}

}  // namespace stratoscope
