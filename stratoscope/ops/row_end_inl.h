// The end of a row that does not fill a vector. If an instruction set has no masks, Highway's masked loads read a whole
// vector, which reaches beyond the row and must be aligned; these functions access only the row's own numbers. Compiled
// once per instruction set.
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

// For numbers of 4 and 8 bytes.
constexpr bool kHasMasks = HWY_TARGET <= HWY_AVX2;

// The first `count` lanes from memory, `filling` after them.
template <class D, class T = hwy::HWY_NAMESPACE::TFromD<D>>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> load_first(D d, const T* from, std::size_t count, T filling = 0) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (kHasMasks && sizeof(T) >= 4) {
    const auto first = hn::FirstN(d, count);
    return hn::IfThenElse(first, hn::MaskedLoad(first, d, from), hn::Set(d, filling));
  }
  HWY_ALIGN T lanes[hwy::HWY_NAMESPACE::MaxLanes(d)];
  std::fill(std::copy_n(from, count, lanes), std::end(lanes), filling);
  return hwy::HWY_NAMESPACE::Load(d, lanes);
}

template <class D, class V, class T = hwy::HWY_NAMESPACE::TFromD<D>>
HWY_INLINE void store_first(V vector, D d, T* to, std::size_t count) {
  if constexpr (kHasMasks && sizeof(T) >= 4) {
    hwy::HWY_NAMESPACE::BlendedStore(vector, hwy::HWY_NAMESPACE::FirstN(d, count), d, to);
    return;
  }
  HWY_ALIGN T lanes[hwy::HWY_NAMESPACE::MaxLanes(d)];
  hwy::HWY_NAMESPACE::Store(vector, d, lanes);
  std::copy_n(lanes, count, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#endif
