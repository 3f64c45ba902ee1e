#include "stratoscope/ops/exponentials.h"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stratoscope/ops/exponentials.cpp"
// This file is compiled once per instruction set; the order of these headers matters.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "stratoscope/ops/exp_inl.h"
#include "stratoscope/ops/row_end_inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The next `count` values of the row in double; the lanes after them have minus infinity.
template <class T>
auto load_part(const T* values, std::size_t count) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<T, decltype(d)> stored;
  const auto v = count == hn::Lanes(d) ? hn::LoadU(stored, values)
                                       : load_first(stored, values, count, -std::numeric_limits<T>::infinity());
  if constexpr (sizeof(T) == sizeof(double))
    return v;
  else
    return hn::PromoteTo(d, v);
}

// Calls part(first, count) for each vector of doubles in a row of n.
template <class Part>
HWY_INLINE void for_parts(std::size_t n, Part part) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<double>());
  std::size_t i = 0;
  for (; n - i >= lanes; i += lanes) part(i, lanes);
  if (lanes > 1 && i < n) part(i, n - i);
}

template <class T>
T largest_of_row(const T* values, std::size_t n) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto low = hn::Set(d, -std::numeric_limits<T>::infinity());
  auto top = low;
  const auto include = [&](auto x) { top = hn::Max(top, hn::IfThenElse(hn::IsNaN(x), low, x)); };
  std::size_t i = 0;
  for (; n - i >= lanes; i += lanes) include(hn::LoadU(d, values + i));
  if (i < n) include(load_first(d, values + i, n - i, -std::numeric_limits<T>::infinity()));
  return hn::GetLane(hn::MaxOfLanes(d, top));
}

template <class T>
ExpSums exp_sums_of_row(const T* values, std::size_t n) {
  const hn::ScalableTag<double> d;
  const auto top = static_cast<double>(largest_of_row(values, n));
  const auto tops = hn::Set(d, top), low = hn::Set(d, -1000.0);  // below `low` the kernel's exp is 0
  auto sum = hn::Zero(d), weighted = hn::Zero(d);
  for_parts(n, [&](std::size_t first, std::size_t count) {
    const auto below = hn::Sub(load_part(values + first, count), tops);
    const auto e = exp_or_nan(d, below);
    sum = hn::Add(sum, e);
    weighted = hn::Add(weighted, hn::IfThenZeroElse(hn::Lt(below, low), hn::Mul(e, below)));
  });
  return {top, hn::GetLane(hn::SumOfLanes(d, sum)), hn::GetLane(hn::SumOfLanes(d, weighted))};
}

template <class T>
void exp_of_each(const T* values, std::size_t n, double by, double* exps) {
  const hn::ScalableTag<double> d;
  const auto bys = hn::Set(d, by);
  for_parts(n, [&](std::size_t first, std::size_t count) {
    const auto e = exp_or_nan(d, hn::Sub(load_part(values + first, count), bys));
    if (count == hn::Lanes(d))
      hn::StoreU(e, d, exps + first);
    else
      store_first(e, d, exps + first, count);
  });
}

template <class T>
ChangeSums change_of_row(KnownRow<T> from, const double* probs, KnownRow<T> to) {
  const hn::ScalableTag<double> d;
  const auto low = hn::Set(d, -std::numeric_limits<double>::infinity());
  const auto from_total = hn::Set(d, from.log_sum_exp), to_total = hn::Set(d, to.log_sum_exp);
  auto kl = hn::Zero(d), largest = hn::Zero(d);
  auto any_nan = hn::Lt(kl, kl);
  for_parts(from.logits.size(), [&](std::size_t first, std::size_t count) {
    const auto before = load_part(from.logits.data() + first, count);
    const auto after = load_part(to.logits.data() + first, count);
    const auto inside = hn::FirstN(d, count);
    const auto log_prob = hn::Sub(before, from_total);
    const auto prob = count == hn::Lanes(d) ? hn::LoadU(d, probs + first) : load_first(d, probs + first, count);
    const auto term = hn::Mul(prob, hn::Sub(log_prob, hn::Sub(after, to_total)));
    kl = hn::Add(kl, hn::IfThenZeroElse(hn::Eq(log_prob, low), term));
    const auto change = hn::IfThenElseZero(inside, hn::Abs(hn::Sub(after, before)));
    any_nan = hn::Or(any_nan, hn::IsNaN(change));
    largest = hn::Max(largest, change);
  });
  return {hn::GetLane(hn::SumOfLanes(d, kl)), hn::AllFalse(d, any_nan) ? hn::GetLane(hn::MaxOfLanes(d, largest))
                                                                       : std::numeric_limits<double>::quiet_NaN()};
}

// The dispatch needs names that are not templates.
#define FOR_TYPE(T)                                                                                                \
  T largest_of_##T(const T* values, std::size_t n) { return largest_of_row(values, n); }                           \
  ExpSums exp_sums_##T(const T* values, std::size_t n) { return exp_sums_of_row(values, n); }                      \
  void exp_each_##T(const T* values, std::size_t n, double by, double* exps) { exp_of_each(values, n, by, exps); } \
  ChangeSums change_sums_##T(KnownRow<T> from, const double* probs, KnownRow<T> to) {                              \
    return change_of_row(from, probs, to);                                                                         \
  }
FOR_TYPE(float)
FOR_TYPE(double)
#undef FOR_TYPE

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
#define FOR_TYPE(T)                                                                         \
  HWY_EXPORT(largest_of_##T);                                                               \
  HWY_EXPORT(exp_sums_##T);                                                                 \
  HWY_EXPORT(exp_each_##T);                                                                 \
  HWY_EXPORT(change_sums_##T);                                                              \
  T largest_of(std::span<const T> values) {                                                 \
    return HWY_DYNAMIC_DISPATCH(largest_of_##T)(values.data(), values.size());              \
  }                                                                                         \
  ExpSums exp_sums(std::span<const T> values) {                                             \
    return HWY_DYNAMIC_DISPATCH(exp_sums_##T)(values.data(), values.size());                \
  }                                                                                         \
  void exp_each(std::span<const T> values, double by, std::span<double> exps) {             \
    HWY_DYNAMIC_DISPATCH(exp_each_##T)(values.data(), values.size(), by, exps.data());      \
  }                                                                                         \
  ChangeSums change_sums(KnownRow<T> from, std::span<const double> probs, KnownRow<T> to) { \
    return HWY_DYNAMIC_DISPATCH(change_sums_##T)(from, probs.data(), to);                   \
  }
FOR_TYPE(float)
FOR_TYPE(double)
#undef FOR_TYPE
}  // namespace stratoscope
#endif
