// The end of a row that does not fill a vector. Highway's masked loads may read a whole aligned vector there, past the
// row and off its boundary; these touch the row's own numbers alone. Compiled once per instruction set.
#if defined(HWY_STRATOSCOPE_ROW_END_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HWY_STRATOSCOPE_ROW_END_INL_H
#undef HWY_STRATOSCOPE_ROW_END_INL_H
#else
#define HWY_STRATOSCOPE_ROW_END_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

// The first `count` lanes from memory, zeros behind them.
template <class D>
hwy::HWY_NAMESPACE::Vec<D> load_first(D d, const float* from, std::size_t count) {
  HWY_ALIGN float lanes[hwy::HWY_NAMESPACE::MaxLanes(d)] = {};
  std::copy_n(from, count, lanes);
  return hwy::HWY_NAMESPACE::Load(d, lanes);
}

template <class D, class V>
void store_first(V vector, D d, float* to, std::size_t count) {
  HWY_ALIGN float lanes[hwy::HWY_NAMESPACE::MaxLanes(d)];
  hwy::HWY_NAMESPACE::Store(vector, d, lanes);
  std::copy_n(lanes, count, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#endif
