// Exponentials that keep NaN. Compiled once per instruction set.
#if defined(HWY_STRATOSCOPE_EXP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HWY_STRATOSCOPE_EXP_INL_H
#undef HWY_STRATOSCOPE_EXP_INL_H
#else
#define HWY_STRATOSCOPE_EXP_INL_H
#endif

#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

// Highway's Exp returns 0 for NaN, which would hide a wrong score.
template <class D, class V>
V exp_or_nan(D d, V x) {
  return hwy::HWY_NAMESPACE::IfThenElse(hwy::HWY_NAMESPACE::IsNaN(x), x, hwy::HWY_NAMESPACE::Exp(d, x));
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#endif
