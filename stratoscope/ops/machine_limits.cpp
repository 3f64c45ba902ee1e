#include "stratoscope/ops/machine_limits.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "stratoscope/base/threads.h"
#include "stratoscope/ops/amx.h"
#include "stratoscope/ops/dot_products.h"
#include "stratoscope/ops/instruction_set.h"
#include "stratoscope/tensor/tensor.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stratoscope/ops/machine_limits.cpp"
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

// Enough that no sum waits for its last addition, and few enough for 16 registers.
constexpr std::size_t kChains = 12;

// Chains of `steps` multiply-adds each, with values that stay near 1. Returns the number of operations, and in `sum` a
// result that keeps the compiler from removing the work.
double multiply_add(std::size_t steps, float* sum) {
  const hn::ScalableTag<float> d;
  hn::Vec<decltype(d)> sums[kChains];
  unrolled<kChains>([&](auto i) KERNEL_LAMBDA { sums[i] = hn::Set(d, static_cast<float>(i + 1)); });
  const auto factor = hn::Set(d, 0.75F), added = hn::Set(d, 0.25F);
  for (std::size_t step = 0; step < steps; ++step)
    unrolled<kChains>([&](auto i) KERNEL_LAMBDA { sums[i] = hn::MulAdd(sums[i], factor, added); });
  auto all = hn::Zero(d);
  unrolled<kChains>([&](auto i) KERNEL_LAMBDA { all = hn::Add(all, sums[i]); });
  *sum = hn::GetLane(all);
  return 2.0 * static_cast<double>(kChains * steps * hn::Lanes(d));
}

// The bitwise combination of `count` numbers, a multiple of 64.
std::uint32_t read_all(const std::uint32_t* from, std::size_t count) {
  constexpr std::size_t kVectors = 4;
  const hn::ScalableTag<std::uint32_t> d;
  hn::Vec<decltype(d)> bits[kVectors];
  unrolled<kVectors>([&](auto v) KERNEL_LAMBDA { bits[v] = hn::Zero(d); });
  for (std::size_t i = 0; i < count; i += kVectors * hn::Lanes(d))
    unrolled<kVectors>([&](auto v)
                           KERNEL_LAMBDA { bits[v] = hn::Xor(bits[v], hn::LoadU(d, from + i + v * hn::Lanes(d))); });
  return hn::GetLane(hn::Xor(hn::Xor(bits[0], bits[1]), hn::Xor(bits[2], bits[3])));
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
HWY_EXPORT(multiply_add);
HWY_EXPORT(read_all);

namespace {

// The best rate of several runs of work(), which returns the amount of its work.
template <class Work>
double best_rate(int runs, const Progress* progress, const Work& work) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int run = 0; run < runs; ++run) {
    if (progress != nullptr) progress->throw_if_cancelled();
    const auto start = Clock::now();
    const double done = work();
    best = std::max(best, done / std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

// work(i) is the work of thread i.
template <class Work>
double best_rate_of_threads(const Progress* progress, const Work& work) {
  constexpr int kRuns = 60;
  const auto threads = static_cast<std::size_t>(threads_in_scope());
  std::vector<double> operations(threads);
  return best_rate(kRuns, progress, [&] {
    parallel_for(threads, [&](std::size_t i) { operations[i] = work(i); });
    return std::accumulate(operations.begin(), operations.end(), 0.0);
  });
}

}  // namespace

double multiply_add_limit(const Progress* progress) {
  constexpr std::size_t kSteps = 1 << 20, kApart = 64;  // results of threads are in separate cache lines
  limit_instruction_set();
  const auto kernel = HWY_DYNAMIC_DISPATCH(multiply_add);
  Tensor sums = Tensor::zeros({static_cast<std::size_t>(threads_in_scope()), kApart});
  return best_rate_of_threads(progress, [&](std::size_t i) { return kernel(kSteps, sums.data() + i * kApart); });
}

std::optional<double> bfloat16_limit(const Progress* progress) {
  constexpr std::size_t kTileSteps = 1 << 17, kSteps = 1 << 19, kApart = 64;
  Tensor sums = Tensor::zeros({static_cast<std::size_t>(threads_in_scope()), kApart});
  switch (bfloat16_kernels()) {
    case Bfloat16Kernels::amx:
      return best_rate_of_threads(progress, [](std::size_t /*thread*/) { return multiply_tiles(kTileSteps); });
    case Bfloat16Kernels::dot_products:
      return best_rate_of_threads(progress,
                                  [&](std::size_t i) { return chain_dot_products(kSteps, sums.data() + i * kApart); });
    case Bfloat16Kernels::widening: break;
  }
  return std::nullopt;
}

double stream_limit(const Progress* progress) {
  constexpr int kRuns = 8;
  constexpr std::size_t kPieces = 256, kPiece = (std::size_t{1} << 20) / sizeof(std::uint32_t);
  limit_instruction_set();
  const auto kernel = HWY_DYNAMIC_DISPATCH(read_all);
  const auto numbers = BasicTensor<std::uint32_t>::zeros({kPieces, kPiece});
  std::vector<std::uint32_t> bits(kPieces);
  return best_rate(kRuns, progress, [&] {
    parallel_for(kPieces, [&](std::size_t piece) { bits[piece] = kernel(numbers.data() + piece * kPiece, kPiece); });
    return static_cast<double>(kPieces * kPiece * sizeof(std::uint32_t));
  });
}

}  // namespace stratoscope
#endif
