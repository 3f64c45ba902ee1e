#include "stratoscope/ops/attention.h"

#include <algorithm>
#include <limits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stratoscope/ops/attention.cpp"
// This file is compiled once per instruction set; the order of these headers matters.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "stratoscope/ops/exp_inl.h"
#include "stratoscope/ops/row_end_inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kRows = 4;     // query rows that share each load of a key or value
constexpr std::size_t kVectors = 3;  // with kRows this fills 16 registers: 12 sums, 3 loads, 1 broadcast

// kt is [d_head, key_stride]. Writes R rows of scores for keys [0, key_count), key_count a multiple of the lanes.
template <std::size_t R, std::size_t V>
void score_tile(const float* const* q, const float* kt, std::size_t d_head, std::size_t key_stride, float scale,
                float* const* out, std::size_t key) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector sum[R][V];
  for (auto& row : sum)
    for (auto& s : row) s = hn::Zero(d);
  for (std::size_t i = 0; i < d_head; ++i) {
    Vector k[V];
    for (std::size_t v = 0; v < V; ++v) k[v] = hn::LoadU(d, kt + i * key_stride + key + v * lanes);
    for (std::size_t r = 0; r < R; ++r) {
      const auto broadcast = hn::Set(d, q[r][i]);
      for (std::size_t v = 0; v < V; ++v) sum[r][v] = hn::MulAdd(broadcast, k[v], sum[r][v]);
    }
  }
  const auto factor = hn::Set(d, scale);
  for (std::size_t r = 0; r < R; ++r)
    for (std::size_t v = 0; v < V; ++v) hn::StoreU(hn::Mul(sum[r][v], factor), d, out[r] + key + v * lanes);
}

// The keys from `key`, a multiple of the lanes, to key_count.
template <std::size_t R>
void score_rows_of(const float* const* q, const float* kt, std::size_t d_head, std::size_t key_stride, float scale,
                   float* const* out, std::size_t key, std::size_t key_count) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  for (; key + kVectors * lanes <= key_stride && key < key_count; key += kVectors * lanes)
    score_tile<R, kVectors>(q, kt, d_head, key_stride, scale, out, key);
  for (; key < key_count; key += lanes) score_tile<R, 1>(q, kt, d_head, key_stride, scale, out, key);
}

// Row r sees the keys from window.first_key(first_query + r) to itself, of the first key_count.
void score_rows(const float* const* q, std::size_t rows, const float* kt, std::size_t d_head, std::size_t key_stride,
                float scale, std::size_t first_query, KeyWindow window, float* const* out, std::size_t key_count) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const auto first_vector = [&](std::size_t row) { return window.first_key(first_query + row) / lanes * lanes; };
  const auto end = [&](std::size_t row) { return std::min(key_count, first_query + row + 1); };
  std::size_t r = 0;
  for (; r + kRows <= rows; r += kRows)
    score_rows_of<kRows>(q + r, kt, d_head, key_stride, scale, out + r, first_vector(r), end(r + kRows - 1));
  for (; r < rows; ++r) score_rows_of<1>(q + r, kt, d_head, key_stride, scale, out + r, first_vector(r), end(r));
}

// Adds pattern[r, j] v[j] for j in [first, last) to V vectors of R rows of z, in the order of j.
template <std::size_t R, std::size_t V>
void mix_tile(const float* const* pattern, const float* values, std::size_t value_stride, std::size_t first,
              std::size_t last, float* const* z, std::size_t col) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector sum[R][V];
  for (std::size_t r = 0; r < R; ++r)
    for (std::size_t v = 0; v < V; ++v) sum[r][v] = hn::LoadU(d, z[r] + col + v * lanes);
  for (std::size_t j = first; j < last; ++j) {
    Vector value[V];
    for (std::size_t v = 0; v < V; ++v) value[v] = hn::LoadU(d, values + j * value_stride + col + v * lanes);
    for (std::size_t r = 0; r < R; ++r) {
      const auto weight = hn::Set(d, pattern[r][j]);
      for (std::size_t v = 0; v < V; ++v) sum[r][v] = hn::MulAdd(weight, value[v], sum[r][v]);
    }
  }
  for (std::size_t r = 0; r < R; ++r)
    for (std::size_t v = 0; v < V; ++v) hn::StoreU(sum[r][v], d, z[r] + col + v * lanes);
}

template <std::size_t R>
void mix_rows_of(const float* const* pattern, const float* values, std::size_t value_stride, std::size_t first,
                 std::size_t last, float* const* z) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  std::size_t col = 0;
  for (; col + 2 * lanes <= value_stride; col += 2 * lanes)
    mix_tile<R, 2>(pattern, values, value_stride, first, last, z, col);
  for (; col < value_stride; col += lanes) mix_tile<R, 1>(pattern, values, value_stride, first, last, z, col);
}

// z rows are padded to value_stride; row r mixes the keys from window.first_key(first_query + r) to itself, of the
// first key_count.
void mix_rows(const float* const* pattern, std::size_t rows, const float* values, std::size_t value_stride,
              std::size_t first_query, KeyWindow window, std::size_t key_count, float* const* z) {
  const auto first = [&](std::size_t row) { return window.first_key(first_query + row); };
  const auto end = [&](std::size_t row) { return std::min(key_count, first_query + row + 1); };
  const auto mix_one = [&](std::size_t row, std::size_t from, std::size_t to) {
    if (from < to) mix_rows_of<1>(pattern + row, values, value_stride, from, to, z + row);
  };
  std::size_t r = 0;
  for (; r + kRows <= rows; r += kRows) {
    // The keys that all four rows see, and on either side of them those that some do.
    const std::size_t shared_end = end(r), shared_first = std::min(first(r + kRows - 1), shared_end);
    for (std::size_t row = r; row + 1 < r + kRows; ++row) mix_one(row, first(row), shared_first);
    if (shared_first < shared_end)
      mix_rows_of<kRows>(pattern + r, values, value_stride, shared_first, shared_end, z + r);
    for (std::size_t row = r + 1; row < r + kRows; ++row) mix_one(row, std::max(first(row), shared_end), end(row));
  }
  for (; r < rows; ++r) mix_one(r, first(r), end(r));
}

// x = function(d, x) for every number of a row.
template <class Function>
HWY_INLINE void change_row(float* row, std::size_t n, Function function) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(function(d, hn::LoadU(d, row + i), i), d, row + i);
  if (i < n) store_first(function(d, load_first(d, row + i, n - i), i), d, row + i, n - i);
}

void cap_row(float* row, std::size_t n, float cap) {
  change_row(row, n, [cap](auto d, auto x, std::size_t) {
    const auto caps = hn::Set(d, cap);
    const auto ratio = hn::Div(x, caps);
    // tanh is 1 from 10 on; much larger numbers would leave the range that its kernel is made for.
    const auto limited = hn::Clamp(ratio, hn::Set(d, -20.0F), hn::Set(d, 20.0F));
    return hn::IfThenElse(hn::IsNaN(x), x, hn::Mul(caps, hn::Tanh(d, limited)));
  });
}

// Number i lies `before` - i keys before the query.
void slope_row(float* row, std::size_t n, float before, float slope) {
  change_row(row, n, [before, slope](auto d, auto x, std::size_t i) {
    const auto distance = hn::Iota(d, static_cast<float>(i) - before);
    return hn::MulAdd(hn::Set(d, slope), distance, x);
  });
}

void softmax_of_row(float* row, std::size_t n) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t whole = n / lanes * lanes;
  const auto rest = hn::FirstN(d, n - whole);
  const auto low = hn::Set(d, -std::numeric_limits<float>::infinity());
  auto top = low;
  for (std::size_t i = 0; i < whole; i += lanes) top = hn::Max(top, hn::LoadU(d, row + i));
  if (whole < n) top = hn::Max(top, hn::IfThenElse(rest, load_first(d, row + whole, n - whole), low));
  const auto maximum = hn::MaxOfLanes(d, top);
  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i < whole; i += lanes) {
    const auto e = exp_or_nan(d, hn::Sub(hn::LoadU(d, row + i), maximum));
    hn::StoreU(e, d, row + i);
    sum = hn::Add(sum, e);
  }
  if (whole < n) {
    const auto e = hn::IfThenElseZero(rest, exp_or_nan(d, hn::Sub(load_first(d, row + whole, n - whole), maximum)));
    store_first(e, d, row + whole, n - whole);
    sum = hn::Add(sum, e);
  }
  const auto total = hn::SumOfLanes(d, sum);
  for (std::size_t i = 0; i < whole; i += lanes) hn::StoreU(hn::Div(hn::LoadU(d, row + i), total), d, row + i);
  if (whole < n) store_first(hn::Div(load_first(d, row + whole, n - whole), total), d, row + whole, n - whole);
}

std::size_t float_lanes() { return hn::Lanes(hn::ScalableTag<float>()); }

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
HWY_EXPORT(score_rows);
HWY_EXPORT(mix_rows);
HWY_EXPORT(cap_row);
HWY_EXPORT(slope_row);
HWY_EXPORT(softmax_of_row);
HWY_EXPORT(float_lanes);

namespace {
std::size_t whole_vectors(std::size_t count) {
  const std::size_t lanes = HWY_DYNAMIC_DISPATCH(float_lanes)();
  return (count + lanes - 1) / lanes * lanes;
}

template <class T>
std::vector<T*> row_pointers(MatrixView<T> matrix) {
  std::vector<T*> rows(matrix.rows);
  for (std::size_t r = 0; r < matrix.rows; ++r) rows[r] = matrix.row(r);
  return rows;
}
}  // namespace

HeadKeysValues::HeadKeysValues(MatrixView<const float> k, MatrixView<const float> v)
    : HeadKeysValues(row_pointers(k), row_pointers(v), k.cols) {}

HeadKeysValues::HeadKeysValues(std::span<const float* const> k, std::span<const float* const> v, std::size_t d_head)
    : keys_(k.size()),
      d_head_(d_head),
      transposed_keys_({d_head_, whole_vectors(keys_)}),
      values_({keys_, whole_vectors(d_head_)}) {
  // A line of the cache at a time.
  constexpr std::size_t kKeys = 16;
  const auto transposed = transposed_keys_.matrix();
  for (std::size_t first = 0; first < keys_; first += kKeys) {
    const std::size_t end = std::min(first + kKeys, keys_);
    for (std::size_t i = 0; i < d_head_; ++i)
      for (std::size_t j = first; j < end; ++j) transposed.row(i)[j] = k[j][i];
  }
  for (std::size_t i = 0; i < d_head_; ++i) std::fill_n(transposed.row(i) + keys_, transposed.cols - keys_, 0.0F);
  const auto values = values_.matrix();
  for (std::size_t j = 0; j < keys_; ++j)
    std::fill_n(std::copy_n(v[j], d_head_, values.row(j)), values.cols - d_head_, 0.0F);
}

void HeadKeysValues::scores(MatrixView<const float> q, float scale, std::size_t first_query, KeyWindow window,
                            MatrixView<float> scores) const {
  scores_of_first(keys_, q, scale, first_query, window, scores);
}

void HeadKeysValues::scores_of_first(std::size_t count, MatrixView<const float> q, float scale, std::size_t first_query,
                                     KeyWindow window, MatrixView<float> scores) const {
  const auto rows_in = row_pointers(q);
  const auto rows_out = row_pointers(scores);
  HWY_DYNAMIC_DISPATCH(score_rows)
  (rows_in.data(), q.rows, transposed_keys_.data(), d_head_, row_capacity(), scale, first_query, window,
   rows_out.data(), count);
}

void HeadKeysValues::mix(MatrixView<const float> pattern, std::size_t first_query, KeyWindow window,
                         MatrixView<float> z) const {
  Tensor padded = Tensor::zeros({z.rows, padded_head()});
  add_mix(pattern, first_query, window, padded.matrix());
  for (std::size_t r = 0; r < z.rows; ++r) std::copy_n(padded.matrix().row(r), d_head_, z.row(r));
}

void HeadKeysValues::add_mix(MatrixView<const float> pattern, std::size_t first_query, KeyWindow window,
                             MatrixView<float> padded_z) const {
  add_mix_of_first(keys_, pattern, first_query, window, padded_z);
}

void HeadKeysValues::add_mix_of_first(std::size_t count, MatrixView<const float> pattern, std::size_t first_query,
                                      KeyWindow window, MatrixView<float> padded_z) const {
  const auto rows_in = row_pointers(pattern);
  const auto rows_out = row_pointers(padded_z);
  HWY_DYNAMIC_DISPATCH(mix_rows)
  (rows_in.data(), pattern.rows, values_.data(), padded_head(), first_query, window, count, rows_out.data());
}

void cap_scores(float* row, std::size_t first, std::size_t end, float cap) {
  HWY_DYNAMIC_DISPATCH(cap_row)(row + first, end - first, cap);
}

void add_slopes(float* row, std::size_t first, std::size_t end, std::size_t query, float slope) {
  HWY_DYNAMIC_DISPATCH(slope_row)
  (row + first, end - first, static_cast<float>(query) - static_cast<float>(first), slope);
}

void softmax_row(float* row, std::size_t first, std::size_t end) {
  HWY_DYNAMIC_DISPATCH(softmax_of_row)(row + first, end - first);
}
}  // namespace stratoscope
#endif
