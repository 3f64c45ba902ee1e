// Properties of every array that was read from a file.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "stratoscope/files/array.h"
#include "tests/fuzz/fuzz.h"

namespace stratoscope::fuzz {

inline void require_usable(DType dtype, const Shape& shape, std::span<const std::byte> bytes) {
  require(bytes.size() == byte_count(dtype, shape), "an array has the bytes that its shape needs");
  const std::size_t count = element_count(shape);
  std::vector<float> floats(count);
  convert(dtype, bytes, std::span(floats));
  std::vector<double> doubles(count);
  convert(dtype, bytes, std::span(doubles));
}

// StoredArray or StoredTensor.
template <class A, class B>
void require_same(const A& a, const B& b) {
  require(a.dtype == b.dtype && a.shape == b.shape && std::ranges::equal(a.bytes, b.bytes),
          "an array written again reads the same");
}

}  // namespace stratoscope::fuzz
