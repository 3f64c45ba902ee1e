// The median, of an even count the mean of the two in the middle. NaN if a number is NaN.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace stratoscope {

inline double median_of(std::vector<double> numbers) {
  const auto is_nan = [](double number) { return std::isnan(number); };
  if (numbers.empty() || std::any_of(numbers.begin(), numbers.end(), is_nan))
    return std::numeric_limits<double>::quiet_NaN();
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  if (numbers.size() % 2 == 1) return *middle;
  return (*std::max_element(numbers.begin(), middle) + *middle) / 2;
}

}  // namespace stratoscope
