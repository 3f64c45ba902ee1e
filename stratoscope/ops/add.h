// The sum of the residual stream.
#pragma once

#include "stratoscope/ops/row_blocks.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// sum = a + b, row by row; sum may be a or b.
inline void add(MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> sum) {
  for_row_blocks(sum.rows, sum.cols, [&](std::size_t r) {
    const float *x = a.row(r), *y = b.row(r);
    float* out = sum.row(r);
    for (std::size_t i = 0; i < sum.cols; ++i) out[i] = x[i] + y[i];
  });
}

}  // namespace stratoscope
