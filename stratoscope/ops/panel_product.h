// Products by kernels for every processor that Highway knows.
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

// What does the work of a PackedMatrix.
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

// Weights in panels as wide as two vectors, row by row of the inner dimension: a tile of rows by one panel keeps its
// sums in registers. A sum's order depends on nothing but the inner dimension.
std::unique_ptr<const Product> pack_in_panels(const PlainWeights& weights, Arithmetic arithmetic);

}  // namespace stratoscope
