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
#include <iterator>

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

// The first `count` lanes from memory, `filling` after them.
template <class D, class T = hwy::HWY_NAMESPACE::TFromD<D>>
hwy::HWY_NAMESPACE::Vec<D> load_first(D d, const T* from, std::size_t count, T filling = 0) {
  HWY_ALIGN T lanes[hwy::HWY_NAMESPACE::MaxLanes(d)];
  std::fill(std::copy_n(from, count, lanes), std::end(lanes), filling);
  return hwy::HWY_NAMESPACE::Load(d, lanes);
}

template <class D, class V, class T = hwy::HWY_NAMESPACE::TFromD<D>>
void store_first(V vector, D d, T* to, std::size_t count) {
  HWY_ALIGN T lanes[hwy::HWY_NAMESPACE::MaxLanes(d)];
  hwy::HWY_NAMESPACE::Store(vector, d, lanes);
  std::copy_n(lanes, count, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#endif
