// Products by kernels of our own, on every processor that Highway knows.
#pragma once

#include <memory>

#include "stratoscope/ops/product.h"

namespace stratoscope {

// Weights in panels as wide as two vectors, row by row of the inner dimension: a tile of rows by one panel keeps its
// sums in registers. A sum's order depends on nothing but the inner dimension.
std::unique_ptr<const Product> pack_in_panels(const PlainWeights& weights, Arithmetic arithmetic);

}  // namespace stratoscope
