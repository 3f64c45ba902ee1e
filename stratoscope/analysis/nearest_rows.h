// The rows of a table that point the way a vector does: hidden states among the token embeddings.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

struct NearRow {
  std::size_t row = 0;
  double cosine = 0;  // x.y / (|x| |y|), in [-1, 1]; 0 where one of them is zero
};

// Of each vector [n, d] the `count` rows of the table [rows, d] of the largest cosine, falling, ties by the lower row;
// what is not a number comes last. Sums run in double. T is float or double.
template <class T>
STRATOSCOPE_API std::vector<std::vector<NearRow>> nearest_rows(MatrixView<const T> vectors,
                                                               MatrixView<const float> table, std::size_t count);

}  // namespace stratoscope
