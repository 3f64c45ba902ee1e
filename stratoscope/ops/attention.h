// Causal attention of one head over one sequence, in steps over score rows: scores, cap_scores and add_slopes if a
// model has them, softmax_row, mix.
//
// Each number is summed in one fixed order that depends only on its own row: captured, batched and partial runs agree
// in every bit. Hidden keys are not used. Several heads of queries may read the keys and values of one head.
#pragma once

#include <cstddef>
#include <span>

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// The number of query rows whose score rows are in memory at once: for a thousand keys they fit the second-level cache.
constexpr std::size_t kQueryRows = 64;

// The last `size` keys up to a query's own are those that it sees; 0: all of them.
struct KeyWindow {
  std::size_t size = 0;

  // The first key that the query at `position` sees; query and key are counted from the same key.
  std::size_t first_key(std::size_t position) const { return size > 0 && position >= size ? position + 1 - size : 0; }
};

// Keys and values of one head, in the layout of the kernels; filled once, then read by every query row.
//
// Keys and queries are counted from the first stored key: row i of a block is query first_query + i. It sees the keys
// from window.first_key(first_query + i) up to itself.
class HeadKeysValues {
 public:
  // k and v are [keys, d_head], rows may be strided.
  HeadKeysValues(MatrixView<const float> k, MatrixView<const float> v);
  // The same from rows at any addresses, of `d_head` numbers each.
  HeadKeysValues(std::span<const float* const> k, std::span<const float* const> v, std::size_t d_head);

  std::size_t keys() const { return keys_; }
  // Score rows must have at least this many numbers (the keys, rounded up to whole vectors).
  std::size_t row_capacity() const { return capacity_; }

  // scores[i, j] = scale * q[i] · k[j] for every key j that query i sees; other scores are undefined. q is [rows,
  // d_head], scores [rows, row_capacity()].
  void scores(MatrixView<const float> q, float scale, std::size_t first_query, KeyWindow window,
              MatrixView<float> scores) const;

  // z[i] = sum over the keys j that query i sees of pattern[i, j] v[j]; z is [rows, d_head].
  void mix(MatrixView<const float> pattern, std::size_t first_query, KeyWindow window, MatrixView<float> z) const;

  // For queries that see at most the first `count` of these keys, and then keys of another object: scores of the first
  // keys; and z[i] += sum over these keys j that query i sees of pattern[i, j] v[j], to which add_mix of the other
  // object is added.
  void scores_of_first(std::size_t count, MatrixView<const float> q, float scale, std::size_t first_query,
                       KeyWindow window, MatrixView<float> scores) const;
  void add_mix_of_first(std::size_t count, MatrixView<const float> pattern, std::size_t first_query, KeyWindow window,
                        MatrixView<float> padded_z) const;
  // Like mix, but added to padded_z.
  void add_mix(MatrixView<const float> pattern, std::size_t first_query, KeyWindow window,
               MatrixView<float> padded_z) const;
  // The width of padded_z: d_head, rounded up to whole vectors.
  std::size_t padded_head() const { return values_.shape()[1]; }

 private:
  std::size_t keys_, d_head_, capacity_;
  Tensor key_panels_;  // a few vectors of keys at a time, each [d_head, keys]
  Tensor values_;      // [keys, d_head rounded up to whole vectors]
};

// These work in place on the numbers [first, end) of a score row and do not access others.

// score = cap * tanh(score / cap).
void cap_scores(float* row, std::size_t first, std::size_t end, float cap);

// score += slope * (key - query): ALiBi (Press, Smith, Lewis 2021). `query` is the index of the query's own key in the
// row; distances are exact up to 2^24.
void add_slopes(float* row, std::size_t first, std::size_t end, std::size_t query, float slope);

// Softmax: the maximum is subtracted, then two passes. The bits depend only on the numbers and their count.
void softmax_row(float* row, std::size_t first, std::size_t end);

}  // namespace stratoscope
