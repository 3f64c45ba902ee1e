#include "stratoscope/ops/norm.h"

#include <cmath>

#include "stratoscope/ops/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stratoscope/ops/norm.cpp"
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
// only on n.
template <class Term, class ScalarTerm>
HWY_INLINE double sum_in_double(const float* x, std::size_t n, Term term, ScalarTerm scalar_term) {
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

double mean_of_squares(const float* x, std::size_t n, double centre) {
  return sum_in_double(
             x, n,
             [centre](auto d, auto v) {
               const auto centred = hn::Sub(v, hn::Set(d, centre));
               return hn::Mul(centred, centred);
             },
             [centre](double v) { return (v - centre) * (v - centre); }) /
         static_cast<double>(n);
}

double centre_of_row(NormKind kind, const float* x, std::size_t n) {
  return kind == NormKind::layer ? mean_of_row(x, n) : 0;
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

void normalize_row(NormKind kind, const float* x, std::size_t n, float eps, float* normalized, float* scale) {
  const double centre = centre_of_row(kind, x, n);
  *scale = kind == NormKind::none
               ? 1
               : static_cast<float>(std::sqrt(mean_of_squares(x, n, centre) + static_cast<double>(eps)));
  divide_row(x, n, centre, *scale, normalized);
}

void normalize_row_by(NormKind kind, const float* x, std::size_t n, float scale, float* normalized) {
  divide_row(x, n, centre_of_row(kind, x, n), scale, normalized);
}

void scale_and_shift_row(const float* normalized, std::size_t n, const float* weight, const float* bias, float* y) {
  const hn::ScalableTag<float> d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    auto v = hn::LoadU(d, normalized + i);
    if (weight != nullptr) v = hn::Mul(v, hn::LoadU(d, weight + i));
    if (bias != nullptr) v = hn::Add(v, hn::LoadU(d, bias + i));
    hn::StoreU(v, d, y + i);
  }
  for (; i < n; ++i) {
    float v = normalized[i];
    if (weight != nullptr) v *= weight[i];
    if (bias != nullptr) v += bias[i];
    y[i] = v;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
HWY_EXPORT(normalize_row);
HWY_EXPORT(normalize_row_by);
HWY_EXPORT(scale_and_shift_row);

namespace {
// Calls body(row, group, first column, columns) for every group of every row.
template <class Body>
void for_groups(MatrixView<const float> x, std::size_t groups, const Body& body) {
  const std::size_t width = x.cols / groups;
  for_row_blocks(x.rows, x.cols, [&](std::size_t row) {
    for (std::size_t group = 0; group < groups; ++group) body(row, group, group * width, width);
  });
}
}  // namespace

void norm_statistics(NormKind kind, MatrixView<const float> x, float eps, MatrixView<float> normalized,
                     MatrixView<float> scale) {
  const auto kernel = HWY_DYNAMIC_DISPATCH(normalize_row);
  for_groups(x, scale.cols, [&](std::size_t row, std::size_t group, std::size_t first, std::size_t width) {
    kernel(kind, x.row(row) + first, width, eps, normalized.row(row) + first, scale.row(row) + group);
  });
}

void normalize_by(NormKind kind, MatrixView<const float> x, MatrixView<const float> scale,
                  MatrixView<float> normalized) {
  const auto kernel = HWY_DYNAMIC_DISPATCH(normalize_row_by);
  for_groups(x, scale.cols, [&](std::size_t row, std::size_t group, std::size_t first, std::size_t width) {
    kernel(kind, x.row(row) + first, width, scale.row(row)[group], normalized.row(row) + first);
  });
}

void scale_and_shift(MatrixView<const float> normalized, const float* weight, const float* bias, MatrixView<float> y) {
  const auto kernel = HWY_DYNAMIC_DISPATCH(scale_and_shift_row);
  for_row_blocks(y.rows, y.cols,
                 [&](std::size_t row) { kernel(normalized.row(row), y.cols, weight, bias, y.row(row)); });
}
}  // namespace stratoscope
#endif
