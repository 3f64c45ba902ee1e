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

template <class D, class V>
V gelu_new(D d, V x) {
  // -2 sqrt(2/pi) and the cubic term's factor.
  const auto minus_two_u = hn::Mul(hn::Mul(x, hn::Set(d, -1.5957691216057308F)),
                                   hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715F), hn::Set(d, 1.0F)));
  // Past 88 the result is 0 in float32, and exp would leave the range that its kernel is made for; x times 0 leaves
  // what is not finite visible.
  const auto limit = hn::Set(d, 88.0F);
  const auto e = hn::Exp(d, hn::Min(minus_two_u, limit));
  const auto y = hn::Div(x, hn::Add(e, hn::Set(d, 1.0F)));
  return hn::IfThenElse(hn::Gt(minus_two_u, limit), hn::Mul(x, hn::Zero(d)), y);
}

void gelu_new_row(float* x, std::size_t n) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(gelu_new(d, hn::LoadU(d, x + i)), d, x + i);
  if (i < n) store_first(gelu_new(d, load_first(d, x + i, n - i)), d, x + i, n - i);
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
HWY_EXPORT(gelu_new_row);

void activate(Activation activation, MatrixView<float> values) {
  const auto kernel = HWY_DYNAMIC_DISPATCH(gelu_new_row);
  constexpr float kInverseRootTwo = 0.70710678118654752F;
  for_row_blocks(values.rows, values.cols, [&](std::size_t row) {
    switch (activation) {
      case Activation::gelu_new: return kernel(values.row(row), values.cols);
      case Activation::gelu:
        for (float& x : values.row_span(row)) x *= 0.5F * std::erfc(-x * kInverseRootTwo);
        return;
      case Activation::relu:
        for (float& x : values.row_span(row)) x = x < 0 ? 0 : x;  // NaN stays NaN
        return;
    }
  });
}
}  // namespace stratoscope
#endif
