// Row-wise changes of numbers in place.
#pragma once

#include "stratoscope/ops/row_blocks.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

inline void scale_rows(MatrixView<float> rows, float factor) {
  for_row_blocks(rows.rows, rows.cols, [&](std::size_t r) {
    for (float& number : rows.row_span(r)) number *= factor;
  });
}

// Numbers above `limit` become limit, those below -limit become -limit; NaN stays.
inline void clip_rows(MatrixView<float> rows, float limit) {
  for_row_blocks(rows.rows, rows.cols, [&](std::size_t r) {
    for (float& number : rows.row_span(r)) number = number > limit ? limit : number < -limit ? -limit : number;
  });
}

}  // namespace stratoscope
