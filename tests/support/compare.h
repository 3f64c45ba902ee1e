// Comparison of arrays by the project's error measure: per row, relative to the row's largest magnitude.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/files/safetensors.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope::test {

struct RowError {
  double relative = 0;  // the largest over all rows
  std::size_t row = 0, col = 0;
  [[nodiscard]] std::string where() const { return "row " + std::to_string(row) + ", column " + std::to_string(col); }
};

// max over rows of max_i |actual - expected| / max_i |expected|. Infinities must agree exactly (masked scores); a NaN
// in either array is an infinite error, and for a row of zeros the error is absolute.
template <class A, class B>
RowError largest_row_error(std::span<const A> actual, std::span<const B> expected, std::size_t cols) {
  RowError worst;
  const auto note = [&](double error, std::size_t row, std::size_t col) {
    if (!(error <= worst.relative))
      worst = {std::isnan(error) ? std::numeric_limits<double>::infinity() : error, row, col};
  };
  if (actual.size() != expected.size()) {
    worst.relative = std::numeric_limits<double>::infinity();
    return worst;
  }
  for (std::size_t first = 0, row = 0; first < expected.size(); first += cols, ++row) {
    double top = 0;
    for (std::size_t i = 0; i < cols; ++i)
      if (std::isfinite(expected[first + i])) top = std::max(top, std::abs(static_cast<double>(expected[first + i])));
    for (std::size_t i = 0; i < cols; ++i) {
      const auto a = static_cast<double>(actual[first + i]), e = static_cast<double>(expected[first + i]);
      if (std::isinf(a) || std::isinf(e))
        note(a == e ? 0 : std::numeric_limits<double>::infinity(), row, i);
      else
        note(std::abs(a - e) / (top > 0 ? top : 1), row, i);
    }
  }
  return worst;
}

// A stored float tensor as doubles.
inline std::vector<double> values_of(const StoredTensor& stored) {
  std::vector<double> values(element_count(stored.shape));
  convert(stored.dtype, stored.bytes, std::span<double>(values));
  return values;
}

inline std::vector<std::int32_t> ids_of(const StoredTensor& stored) {
  const auto values = values_of(stored);
  std::vector<std::int32_t> ids;
  ids.reserve(values.size());
  for (const double value : values) ids.push_back(static_cast<std::int32_t>(value));
  return ids;
}

template <class T>
bool same_bits(std::span<const T> a, std::span<const T> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

}  // namespace stratoscope::test
