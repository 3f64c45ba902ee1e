// What does the work of a PackedMatrix: one class for each library of kernels.
#pragma once

#include <cstddef>
#include <memory>

#include "stratoscope/ops/matmul.h"

namespace stratoscope {

// Weights as they were passed to a PackedMatrix.
struct PlainWeights {
  const float* data;
  std::size_t in, out;
  WeightLayout layout;
  const float* bias;  // `out` numbers, or null
};

class Product {
 public:
  virtual ~Product() = default;
  // Memory that the packed weights take.
  virtual std::size_t bytes() const = 0;
  // As PackedMatrix::multiply, for one row or more.
  virtual void multiply(MatrixView<const float> x, MatrixView<float> y) const = 0;

 protected:
  Product() = default;
  Product(const Product&) = default;
  Product& operator=(const Product&) = default;
};

// A long sum in float32 loses digits as it grows, so the inner dimension is summed in parts, each from zero: for 768
// numbers that halves the error.
inline constexpr std::size_t kMostParts = 6, kShortestPart = 64;

}  // namespace stratoscope
