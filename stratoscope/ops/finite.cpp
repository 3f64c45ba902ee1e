#include "stratoscope/ops/finite.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stratoscope/ops/finite.cpp"
// This file is compiled once per instruction set; the order of these headers matters.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "stratoscope/ops/unrolled_inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class Bits>
bool search(const std::byte* bytes, std::size_t count, Bits exponent) {
  constexpr std::size_t kVectors = 4;
  const hn::ScalableTag<Bits> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto all = hn::Set(d, exponent);
  auto found = hn::Zero(d);
  std::size_t i = 0;
  for (; i + kVectors * lanes <= count; i += kVectors * lanes)
    unrolled<kVectors>([&](auto v) KERNEL_LAMBDA {
      HWY_ALIGN Bits numbers[hn::MaxLanes(d)];
      std::memcpy(numbers, bytes + (i + v * lanes) * sizeof(Bits), lanes * sizeof(Bits));
      found = hn::Or(found, hn::VecFromMask(d, hn::Eq(hn::And(hn::Load(d, numbers), all), all)));
    });
  bool rest = false;
  for (; i < count; ++i) {
    Bits number = 0;
    std::memcpy(&number, bytes + i * sizeof(Bits), sizeof(Bits));
    rest |= (number & exponent) == exponent;
  }
  return rest || !hn::AllTrue(d, hn::Eq(found, hn::Zero(d)));
}

bool search16(const std::byte* bytes, std::size_t count, std::uint16_t exponent) {
  return search(bytes, count, exponent);
}
bool search32(const std::byte* bytes, std::size_t count, std::uint32_t exponent) {
  return search(bytes, count, exponent);
}
bool search64(const std::byte* bytes, std::size_t count, std::uint64_t exponent) {
  return search(bytes, count, exponent);
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
HWY_EXPORT(search16);
HWY_EXPORT(search32);
HWY_EXPORT(search64);

bool has_full_exponent(std::span<const std::byte> bytes, std::uint16_t exponent) {
  return HWY_DYNAMIC_DISPATCH(search16)(bytes.data(), bytes.size() / sizeof(exponent), exponent);
}
bool has_full_exponent(std::span<const std::byte> bytes, std::uint32_t exponent) {
  return HWY_DYNAMIC_DISPATCH(search32)(bytes.data(), bytes.size() / sizeof(exponent), exponent);
}
bool has_full_exponent(std::span<const std::byte> bytes, std::uint64_t exponent) {
  return HWY_DYNAMIC_DISPATCH(search64)(bytes.data(), bytes.size() / sizeof(exponent), exponent);
}

}  // namespace stratoscope
#endif
