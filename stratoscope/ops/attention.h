// Causal attention of one head over one sequence, in three steps over whole score rows.
//
// Each number is summed in one fixed order that depends on its own row alone: captured, batched and partial runs
// agree in every bit. Masked keys take no part.
#pragma once

#include <cstddef>
#include <span>

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// Query rows whose score rows are held at once: those of a thousand keys stay in the second-level cache.
constexpr std::size_t kQueryRows = 64;

// Keys and values of one head, laid out for the kernels; filled once, then read by every query row.
class HeadKeysValues {
 public:
  // k and v are [keys, d_head], rows may be strided.
  HeadKeysValues(MatrixView<const float> k, MatrixView<const float> v);
  // The same from rows that lie anywhere, `d_head` numbers each.
  HeadKeysValues(std::span<const float* const> k, std::span<const float* const> v, std::size_t d_head);

  std::size_t keys() const { return keys_; }
  // Score rows must have room for this many numbers (keys, rounded up to whole vectors).
  std::size_t row_capacity() const { return transposed_keys_.shape()[1]; }

  // scores[i, j] = scale * q[i] · k[j] for every key j up to query i's own position, first_query + i. What lies
  // beyond is undefined. q is [rows, d_head], scores [rows, row_capacity()].
  void scores(MatrixView<const float> q, float scale, std::size_t first_query, MatrixView<float> scores) const;

  // z[i] = sum over j <= first_query + i of pattern[i, j] v[j]; z is [rows, d_head].
  void mix(MatrixView<const float> pattern, std::size_t first_query, MatrixView<float> z) const;

  // For queries that see the first `count` of these keys and then others: scores of those keys, the same for every
  // query; and z[i] += sum over j < count of pattern[i, j] v[j], which `add_mix` of the others goes on with.
  void scores_of_first(std::size_t count, MatrixView<const float> q, float scale, MatrixView<float> scores) const;
  void add_mix_of_first(std::size_t count, MatrixView<const float> pattern, MatrixView<float> padded_z) const;
  // As mix, added to what padded_z holds.
  void add_mix(MatrixView<const float> pattern, std::size_t first_query, MatrixView<float> padded_z) const;
  // The width of padded_z: d_head, rounded up to whole vectors.
  std::size_t padded_head() const { return values_.shape()[1]; }

 private:
  std::size_t keys_, d_head_;
  Tensor transposed_keys_;  // [d_head, row_capacity]
  Tensor values_;           // [keys, d_head rounded up to whole vectors]
};

// Softmax over the first `valid` numbers of a row, in place: the row's maximum is subtracted, then two passes.
void softmax_row(float* row, std::size_t valid);

}  // namespace stratoscope
