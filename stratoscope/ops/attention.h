// Causal attention of one head over one sequence, in three steps over whole score rows.
//
// Each number is summed in one fixed order that depends on its own row alone: captured, batched and partial runs
// agree in every bit. Masked keys take no part.
#pragma once

#include <cstddef>

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// Keys and values of one head, laid out for the kernels; filled once, then read by every query row.
class HeadKeysValues {
 public:
  // k and v are [keys, d_head], rows may be strided.
  HeadKeysValues(MatrixView<const float> k, MatrixView<const float> v);

  std::size_t keys() const { return keys_; }
  // Score rows must have room for this many numbers (keys, rounded up to whole vectors).
  std::size_t row_capacity() const { return transposed_keys_.shape()[1]; }

  // scores[i, j] = scale * q[i] · k[j] for every key j up to query i's own position, first_query + i. What lies
  // beyond is undefined. q is [rows, d_head], scores [rows, row_capacity()].
  void scores(MatrixView<const float> q, float scale, std::size_t first_query, MatrixView<float> scores) const;

  // z[i] = sum over j <= first_query + i of pattern[i, j] v[j]; z is [rows, d_head].
  void mix(MatrixView<const float> pattern, std::size_t first_query, MatrixView<float> z) const;

 private:
  std::size_t keys_, d_head_;
  Tensor transposed_keys_;  // [d_head, row_capacity]
  Tensor values_;           // [keys, d_head rounded up to whole vectors]
};

// Softmax over the first `valid` numbers of a row, in place: the row's maximum is subtracted, then two passes.
void softmax_row(float* row, std::size_t valid);

}  // namespace stratoscope
