#include "stratoscope/ops/activation.h"

#include <cmath>

#include "stratoscope/ops/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stratoscope/ops/activation.cpp"
// This file is compiled once per instruction set; the order of these headers matters.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
#include "stratoscope/ops/row_end_inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// x / (1 + exp(minus_u)): x times the sigmoid of u.
template <class D, class V>
HWY_INLINE V times_sigmoid(D d, V x, V minus_u) {
  // Beyond 88 the result is 0 in float32, and exp would leave the range for which its kernel is made. Since x is a
  // factor, NaN and infinity remain visible.
  const auto limit = hn::Set(d, 88.0F);
  const auto e = hn::Exp(d, hn::Min(minus_u, limit));
  const auto y = hn::Div(x, hn::Add(e, hn::Set(d, 1.0F)));
  return hn::IfThenElse(hn::Gt(minus_u, limit), hn::Mul(x, hn::Zero(d)), y);
}

template <class D, class V>
HWY_INLINE V gelu_new(D d, V x) {
  // The factors are -2 sqrt(2/pi) and that of the cubic term.
  return times_sigmoid(d, x,
                       hn::Mul(hn::Mul(x, hn::Set(d, -1.5957691216057308F)),
                               hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715F), hn::Set(d, 1.0F))));
}

// Returns NaN for NaN.
template <class D, class V>
HWY_INLINE V relu(D d, V x) {
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);
}

// y = function(x), times `linear` unless that is null.
template <class Function>
HWY_INLINE void for_row(Function function, const float* x, const float* linear, std::size_t n, float* y) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto v = function(d, hn::LoadU(d, x + i));
    if (linear != nullptr) v = hn::Mul(v, hn::LoadU(d, linear + i));
    hn::StoreU(v, d, y + i);
  }
  if (i == n) return;
  auto v = function(d, load_first(d, x + i, n - i));
  if (linear != nullptr) v = hn::Mul(v, load_first(d, linear + i, n - i));
  store_first(v, d, y + i, n - i);
}

void gelu_row(const float* x, const float* linear, std::size_t n, float* y) {
  constexpr float kInverseRootTwo = 0.70710678118654752F;
  for (std::size_t i = 0; i < n; ++i) {
    const float v = x[i] * (0.5F * std::erfc(-x[i] * kInverseRootTwo));
    y[i] = linear == nullptr ? v : v * linear[i];
  }
}

void activate_row(Activation activation, const float* x, const float* linear, std::size_t n, float* y) {
  switch (activation) {
    case Activation::gelu_new: return for_row([](auto d, auto v) { return gelu_new(d, v); }, x, linear, n, y);
    case Activation::gelu: return gelu_row(x, linear, n, y);
    case Activation::relu: return for_row([](auto d, auto v) { return relu(d, v); }, x, linear, n, y);
    case Activation::relu2:
      return for_row(
          [](auto d, auto v) {
            const auto positive = relu(d, v);
            return hn::Mul(positive, positive);
          },
          x, linear, n, y);
    case Activation::silu:
      return for_row([](auto d, auto v) { return times_sigmoid(d, v, hn::Neg(v)); }, x, linear, n, y);
    case Activation::quick_gelu:
      return for_row([](auto d, auto v) { return times_sigmoid(d, v, hn::Mul(v, hn::Set(d, -1.702F))); }, x, linear, n,
                     y);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
HWY_EXPORT(activate_row);

void activate(Activation activation, MatrixView<float> values) {
  const auto kernel = HWY_DYNAMIC_DISPATCH(activate_row);
  for_row_blocks(values.rows, values.cols,
                 [&](std::size_t row) { kernel(activation, values.row(row), nullptr, values.cols, values.row(row)); });
}

void activate_and_multiply(Activation activation, MatrixView<const float> gate, MatrixView<const float> linear,
                           MatrixView<float> out) {
  const auto kernel = HWY_DYNAMIC_DISPATCH(activate_row);
  for_row_blocks(out.rows, out.cols,
                 [&](std::size_t row) { kernel(activation, gate.row(row), linear.row(row), out.cols, out.row(row)); });
}
}  // namespace stratoscope
#endif
