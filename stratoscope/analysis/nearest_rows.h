// The rows of a table with the largest cosine to a vector, such as token embeddings near a hidden state.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

struct NearRow {
  std::size_t row = 0;
  double cosine = 0;  // x.y / (|x| |y|), in [-1, 1]; 0 if one of them is zero
};

// For each vector [n, d] the `count` rows of the table [rows, d] with the largest cosine, in descending order, ties by
// the lower row; NaN comes last. Sums run in double. T is float or double.
template <class T>
STRATOSCOPE_API std::vector<std::vector<NearRow>> nearest_rows(MatrixView<const T> vectors,
                                                               MatrixView<const float> table, std::size_t count);

}  // namespace stratoscope
