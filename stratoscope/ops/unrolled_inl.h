// Loops over arrays of vectors that stay in registers. Compiled once per instruction set.
#if defined(HWY_STRATOSCOPE_UNROLLED_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HWY_STRATOSCOPE_UNROLLED_INL_H
#undef HWY_STRATOSCOPE_UNROLLED_INL_H
#else
#define HWY_STRATOSCOPE_UNROLLED_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <type_traits>
#include <utility>

// The attributes of a lambda in a kernel: inlined also under a sanitizer, where it would take most of the time.
#undef KERNEL_LAMBDA
#define KERNEL_LAMBDA HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

// body(0), body(1), …, each with a constant. GCC 12 removes a body that only prefetches.
template <std::size_t N, class Body>
HWY_INLINE void unrolled(const Body& body) {
  [&]<std::size_t... I>(std::index_sequence<I...> /*indices*/) KERNEL_LAMBDA {
    (body(std::integral_constant<std::size_t, I>()), ...);
  }
  (std::make_index_sequence<N>());
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#endif
