#include "stratoscope/ops/layer_norm.h"

#include <cmath>

#include "stratoscope/ops/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stratoscope/ops/layer_norm.cpp"
// This file is compiled once per instruction set; the order of these headers matters.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The sum over i of term(x[i]) in double: lane by lane, then the lanes, then the rest one by one. The order depends
// on n alone.
template <class Term, class ScalarTerm>
double sum_in_double(const float* x, std::size_t n, Term term, ScalarTerm scalar_term) {
  const hn::ScalableTag<double> wide;
  const hn::Rebind<float, decltype(wide)> narrow;
  const std::size_t lanes = hn::Lanes(wide);
  auto even = hn::Zero(wide), odd = hn::Zero(wide);
  std::size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    even = hn::Add(even, term(wide, hn::PromoteTo(wide, hn::LoadU(narrow, x + i))));
    odd = hn::Add(odd, term(wide, hn::PromoteTo(wide, hn::LoadU(narrow, x + i + lanes))));
  }
  double sum = hn::GetLane(hn::SumOfLanes(wide, hn::Add(even, odd)));
  for (; i < n; ++i) sum += scalar_term(static_cast<double>(x[i]));
  return sum;
}

double mean_of_row(const float* x, std::size_t n) {
  return sum_in_double(
             x, n, [](auto, auto v) { return v; }, [](double v) { return v; }) /
         static_cast<double>(n);
}

void divide_row(const float* x, std::size_t n, double mean, float scale, float* normalized) {
  const hn::ScalableTag<float> d;
  const float centre = static_cast<float>(mean);
  const auto centres = hn::Set(d, centre), scales = hn::Set(d, scale);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d))
    hn::StoreU(hn::Div(hn::Sub(hn::LoadU(d, x + i), centres), scales), d, normalized + i);
  for (; i < n; ++i) normalized[i] = (x[i] - centre) / scale;
}

void normalize_row(const float* x, std::size_t n, float eps, float* normalized, float* scale) {
  const double mean = mean_of_row(x, n);
  const double variance = sum_in_double(
                              x, n,
                              [mean](auto d, auto v) {
                                const auto centred = hn::Sub(v, hn::Set(d, mean));
                                return hn::Mul(centred, centred);
                              },
                              [mean](double v) { return (v - mean) * (v - mean); }) /
                          static_cast<double>(n);
  *scale = static_cast<float>(std::sqrt(variance + static_cast<double>(eps)));
  divide_row(x, n, mean, *scale, normalized);
}

void normalize_row_by(const float* x, std::size_t n, float scale, float* normalized) {
  divide_row(x, n, mean_of_row(x, n), scale, normalized);
}

void scale_and_shift_row(const float* normalized, std::size_t n, const float* weight, const float* bias, float* y) {
  const hn::ScalableTag<float> d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto scaled = hn::Mul(hn::LoadU(d, normalized + i), hn::LoadU(d, weight + i));
    hn::StoreU(hn::Add(scaled, hn::LoadU(d, bias + i)), d, y + i);
  }
  for (; i < n; ++i) y[i] = normalized[i] * weight[i] + bias[i];
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
HWY_EXPORT(normalize_row);
HWY_EXPORT(normalize_row_by);
HWY_EXPORT(scale_and_shift_row);

void layer_norm_statistics(MatrixView<const float> x, float eps, MatrixView<float> normalized, float* scale) {
  const auto kernel = HWY_DYNAMIC_DISPATCH(normalize_row);
  for_row_blocks(x.rows, x.cols,
                 [&](std::size_t row) { kernel(x.row(row), x.cols, eps, normalized.row(row), scale + row); });
}

void normalize_by(MatrixView<const float> x, const float* scale, MatrixView<float> normalized) {
  const auto kernel = HWY_DYNAMIC_DISPATCH(normalize_row_by);
  for_row_blocks(x.rows, x.cols, [&](std::size_t row) { kernel(x.row(row), x.cols, scale[row], normalized.row(row)); });
}

void scale_and_shift(MatrixView<const float> normalized, const float* weight, const float* bias, MatrixView<float> y) {
  const auto kernel = HWY_DYNAMIC_DISPATCH(scale_and_shift_row);
  for_row_blocks(y.rows, y.cols,
                 [&](std::size_t row) { kernel(normalized.row(row), y.cols, weight, bias, y.row(row)); });
}
}  // namespace stratoscope
#endif
