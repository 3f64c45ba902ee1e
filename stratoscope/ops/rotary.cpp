#include "stratoscope/ops/rotary.h"

#include <algorithm>

#include "stratoscope/ops/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stratoscope/ops/rotary.cpp"
// This file is compiled once per instruction set; the order of these headers matters.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rotates pairs from j on while they fill vectors of D, and advances j. A pair's bits are the same for every D.
template <class D>
HWY_INLINE void rotate_half_split(D d, const float* x, const float* cos, const float* sin, std::size_t pairs, float* y,
                                  std::size_t& j) {
  for (; j + hn::Lanes(d) <= pairs; j += hn::Lanes(d)) {
    const auto a = hn::LoadU(d, x + j), b = hn::LoadU(d, x + j + pairs);
    const auto c = hn::LoadU(d, cos + j), s = hn::LoadU(d, sin + j);
    hn::StoreU(hn::NegMulAdd(b, s, hn::Mul(a, c)), d, y + j);
    hn::StoreU(hn::MulAdd(a, s, hn::Mul(b, c)), d, y + j + pairs);
  }
}

template <class D>
HWY_INLINE void rotate_interleaved(D d, const float* x, const float* cos, const float* sin, std::size_t pairs, float* y,
                                   std::size_t& j) {
  for (; j + hn::Lanes(d) <= pairs; j += hn::Lanes(d)) {
    hn::Vec<D> a, b;
    hn::LoadInterleaved2(d, x + 2 * j, a, b);
    const auto c = hn::LoadU(d, cos + j), s = hn::LoadU(d, sin + j);
    hn::StoreInterleaved2(hn::NegMulAdd(b, s, hn::Mul(a, c)), hn::MulAdd(a, s, hn::Mul(b, c)), d, y + 2 * j);
  }
}

void rotate_head(const float* x, const float* cos, const float* sin, std::size_t pairs, bool interleaved, float* y) {
  const hn::ScalableTag<float> whole;
  const hn::CappedTag<float, 4> part;
  const hn::CappedTag<float, 1> single;
  std::size_t j = 0;
  if (interleaved) {
    rotate_interleaved(whole, x, cos, sin, pairs, y, j);
    rotate_interleaved(part, x, cos, sin, pairs, y, j);
    for (; j < pairs; ++j) {
      const auto a = hn::LoadU(single, x + 2 * j), b = hn::LoadU(single, x + 2 * j + 1);
      const auto c = hn::LoadU(single, cos + j), s = hn::LoadU(single, sin + j);
      hn::StoreU(hn::NegMulAdd(b, s, hn::Mul(a, c)), single, y + 2 * j);
      hn::StoreU(hn::MulAdd(a, s, hn::Mul(b, c)), single, y + 2 * j + 1);
    }
  } else {
    rotate_half_split(whole, x, cos, sin, pairs, y, j);
    rotate_half_split(part, x, cos, sin, pairs, y, j);
    rotate_half_split(single, x, cos, sin, pairs, y, j);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
HWY_EXPORT(rotate_head);

void rotate(MatrixView<const float> x, std::span<const std::size_t> positions, const RotaryTable& table,
            std::size_t d_head, bool interleaved, MatrixView<float> y) {
  const auto kernel = HWY_DYNAMIC_DISPATCH(rotate_head);
  const auto cos = table.cos.matrix(), sin = table.sin.matrix();
  const std::size_t pairs = cos.cols;
  for_row_blocks(x.rows, x.cols, [&](std::size_t row) {
    for (std::size_t first = 0; first < x.cols; first += d_head) {
      const float* from = x.row(row) + first;
      float* to = y.row(row) + first;
      kernel(from, cos.row(positions[row]), sin.row(positions[row]), pairs, interleaved, to);
      if (from != to) std::copy(from + 2 * pairs, from + d_head, to + 2 * pairs);
    }
  });
}
}  // namespace stratoscope
#endif
