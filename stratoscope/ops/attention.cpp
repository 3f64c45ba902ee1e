#include "stratoscope/ops/attention.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stratoscope/ops/attention.cpp"
// This file is compiled once per instruction set; the order of these headers matters.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "stratoscope/ops/exp_inl.h"
#include "stratoscope/ops/row_end_inl.h"
#include "stratoscope/ops/unrolled_inl.h"
// clang-format on

#ifndef STRATOSCOPE_KEY_PANELS
#define STRATOSCOPE_KEY_PANELS
namespace stratoscope {

// Keys in panels of a few vectors, each [d_head, keys of the panel]; `capacity` keys are whole vectors.
struct KeyPanels {
  const float* data;
  std::size_t d_head, capacity;
};

}  // namespace stratoscope
#endif

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Query rows that share each load of a key or value, and the number of adjacent vectors of keys or values: with two or
// four vectors these fill 16 or 32 registers.
constexpr std::size_t kRows = 6, kVectors = HWY_TARGET <= HWY_AVX3 ? 4 : 2;

std::size_t panel_keys() { return kVectors * hn::Lanes(hn::ScalableTag<float>()); }

// Calls use(rows, std::integral_constant of rows) for 1 to kRows rows.
template <class Use, std::size_t R = kRows>
HWY_INLINE void with_rows(std::size_t rows, const Use& use) {
  if constexpr (R > 1)
    if (rows < R) return with_rows<Use, R - 1>(rows, use);
  use(std::integral_constant<std::size_t, R>());
}

// kt is [d_head, stride], beginning with the first of the keys. Writes R rows of V vectors of scores.
template <std::size_t R, std::size_t V>
void score_tile(const float* const* q, const float* kt, std::size_t d_head, std::size_t stride, float scale,
                float* const* out, std::size_t key) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector sum[R * V];
  unrolled<R * V>([&](auto i) KERNEL_LAMBDA { sum[i] = hn::Zero(d); });
  const float* rows[R];
  std::copy_n(q, R, rows);
  for (std::size_t i = 0; i < d_head; ++i, kt += stride) {
    Vector k[V];
    unrolled<V>([&](auto v) KERNEL_LAMBDA { k[v] = hn::LoadU(d, kt + v * lanes); });
    unrolled<R>([&](auto r) KERNEL_LAMBDA {
      const auto broadcast = hn::Set(d, rows[r][i]);
      unrolled<V>([&](auto v) KERNEL_LAMBDA { sum[r * V + v] = hn::MulAdd(broadcast, k[v], sum[r * V + v]); });
    });
  }
  const auto factor = hn::Set(d, scale);
  unrolled<R * V>([&](auto i)
                      KERNEL_LAMBDA { hn::StoreU(hn::Mul(sum[i], factor), d, out[i / V] + key + i % V * lanes); });
}

// The keys from `key`, a multiple of the lanes, to the end of the vector with the last of key_count.
template <std::size_t R>
void score_rows_of(const float* const* q, const KeyPanels& keys, float scale, float* const* out, std::size_t key,
                   std::size_t key_count) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>()), width = panel_keys();
  while (key < key_count) {
    const std::size_t in_panel = key % width, first = key - in_panel, stride = std::min(width, keys.capacity - first);
    const float* const kt = keys.data + first * keys.d_head + in_panel;
    const bool whole = in_panel == 0 && stride == width && key + width - lanes < key_count;
    if (whole)
      score_tile<R, kVectors>(q, kt, keys.d_head, stride, scale, out, key);
    else
      score_tile<R, 1>(q, kt, keys.d_head, stride, scale, out, key);
    key += whole ? width : lanes;
  }
}

// Row r sees the keys from window.first_key(first_query + r) to itself, of the first key_count. The work is done panel
// by panel, so that each panel stays in the first-level cache for all rows.
void score_rows(const float* const* q, std::size_t rows, const KeyPanels& keys, float scale, std::size_t first_query,
                KeyWindow window, float* const* out, std::size_t key_count) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>()), width = panel_keys();
  const std::size_t seen_from = window.first_key(first_query) / width * width;
  for (std::size_t panel = seen_from; panel < key_count; panel += width)
    for (std::size_t r = 0; r < rows; r += kRows) {
      const std::size_t count = std::min(kRows, rows - r);
      const std::size_t first = std::max(window.first_key(first_query + r) / lanes * lanes, panel);
      const std::size_t end = std::min({key_count, first_query + r + count, panel + width});
      with_rows(count, [&](auto tile) { score_rows_of<tile>(q + r, keys, scale, out + r, first, end); });
    }
}

// Adds pattern[r, j] v[j] for j in [first, last) to V vectors of R rows of z, in the order of j.
template <std::size_t R, std::size_t V>
void mix_tile(const float* const* pattern, const float* values, std::size_t value_stride, std::size_t first,
              std::size_t last, float* const* z, std::size_t col) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector sum[R * V];
  unrolled<R * V>([&](auto i) KERNEL_LAMBDA { sum[i] = hn::LoadU(d, z[i / V] + col + i % V * lanes); });
  const float* rows[R];
  std::copy_n(pattern, R, rows);
  const float* row_of_values = values + first * value_stride + col;
  for (std::size_t j = first; j < last; ++j, row_of_values += value_stride) {
    Vector value[V];
    unrolled<V>([&](auto v) KERNEL_LAMBDA { value[v] = hn::LoadU(d, row_of_values + v * lanes); });
    unrolled<R>([&](auto r) KERNEL_LAMBDA {
      const auto weight = hn::Set(d, rows[r][j]);
      unrolled<V>([&](auto v) KERNEL_LAMBDA { sum[r * V + v] = hn::MulAdd(weight, value[v], sum[r * V + v]); });
    });
  }
  unrolled<R * V>([&](auto i) KERNEL_LAMBDA { hn::StoreU(sum[i], d, z[i / V] + col + i % V * lanes); });
}

template <std::size_t R>
void mix_rows_of(const float* const* pattern, const float* values, std::size_t value_stride, std::size_t first,
                 std::size_t last, float* const* z) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  std::size_t col = 0;
  for (; col + kVectors * lanes <= value_stride; col += kVectors * lanes)
    mix_tile<R, kVectors>(pattern, values, value_stride, first, last, z, col);
  for (; col < value_stride; col += lanes) mix_tile<R, 1>(pattern, values, value_stride, first, last, z, col);
}

// Keys from key_first to key_count, of which row r sees those from window.first_key(first_query + r) to itself. z rows
// are padded to value_stride.
void mix_rows(const float* const* pattern, std::size_t rows, const float* values, std::size_t value_stride,
              std::size_t first_query, KeyWindow window, std::size_t key_first, std::size_t key_count,
              float* const* z) {
  const auto first = [&](std::size_t row) { return std::max(window.first_key(first_query + row), key_first); };
  const auto end = [&](std::size_t row) { return std::min(key_count, first_query + row + 1); };
  const auto mix_one = [&](std::size_t row, std::size_t from, std::size_t to) {
    if (from < to) mix_rows_of<1>(pattern + row, values, value_stride, from, to, z + row);
  };
  for (std::size_t r = 0; r < rows; r += kRows) {
    // the keys that all rows of the tile see; on either side of them are keys that only some rows see
    const std::size_t count = std::min(kRows, rows - r), last = r + count - 1;
    const std::size_t shared_end = end(r), shared_first = std::min(first(last), shared_end);
    for (std::size_t row = r; row < last; ++row) mix_one(row, first(row), shared_first);
    if (shared_first < shared_end)
      with_rows(count, [&](auto tile) {
        mix_rows_of<tile>(pattern + r, values, value_stride, shared_first, shared_end, z + r);
      });
    for (std::size_t row = r + 1; row <= last; ++row) mix_one(row, std::max(first(row), shared_end), end(row));
  }
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
    // tanh is 1 from 10 on; much larger numbers would leave the range for which its kernel is made
    const auto limited = hn::Clamp(ratio, hn::Set(d, -20.0F), hn::Set(d, 20.0F));
    return hn::IfThenElse(hn::IsNaN(x), x, hn::Mul(caps, hn::Tanh(d, limited)));
  });
}

// Number i belongs to a key `before` - i keys before the query.
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
  const auto share = hn::Div(hn::Set(d, 1.0F), hn::SumOfLanes(d, sum));
  for (std::size_t i = 0; i < whole; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, row + i), share), d, row + i);
  if (whole < n) store_first(hn::Mul(load_first(d, row + whole, n - whole), share), d, row + whole, n - whole);
}

std::size_t float_lanes() { return hn::Lanes(hn::ScalableTag<float>()); }

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
HWY_EXPORT(panel_keys);
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
      capacity_(whole_vectors(keys_)),
      key_panels_({d_head_ * capacity_}),
      values_({keys_, whole_vectors(d_head_)}) {
  const std::size_t panel = HWY_DYNAMIC_DISPATCH(panel_keys)();
  for (std::size_t first = 0; first < capacity_; first += panel) {
    const std::size_t width = std::min(panel, capacity_ - first), held = std::min(panel, keys_ - first);
    float* to = key_panels_.data() + first * d_head_;
    for (std::size_t i = 0; i < d_head_; ++i, to += width) {
      for (std::size_t j = 0; j < held; ++j) to[j] = k[first + j][i];
      std::fill(to + held, to + width, 0.0F);
    }
  }
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
  (rows_in.data(), q.rows, {key_panels_.data(), d_head_, capacity_}, scale, first_query, window, rows_out.data(),
   count);
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
  // the values that stay in the first-level cache for all rows
  constexpr std::size_t kNumbers = 8192;
  const std::size_t step = std::max<std::size_t>(1, kNumbers / padded_head());
  for (std::size_t first = window.first_key(first_query) / step * step; first < count; first += step)
    HWY_DYNAMIC_DISPATCH(mix_rows)
  (rows_in.data(), pattern.rows, values_.data(), padded_head(), first_query, window, first,
   std::min(count, first + step), rows_out.data());
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
