// GPT-2 small's products alone, at several numbers of rows: GFLOP/s in fp32 and bf16. Arguments: threads (all cores),
// seconds for each number (0.2).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "stratoscope/base/threads.h"
#include "stratoscope/ops/machine_limits.h"
#include "stratoscope/ops/matmul.h"

namespace {

using stratoscope::Arithmetic;
using stratoscope::PackedMatrix;
using stratoscope::Tensor;
using stratoscope::WeightLayout;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBlocks = 12;
constexpr std::size_t kShapes[][2] = {{768, 2304}, {768, 768}, {768, 3072}, {3072, 768}, {768, 50257}};
constexpr std::size_t kRows[] = {1, 12, 22, 44, 64, 128, 132, 256, 264, 1024};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Tensor some_numbers(std::size_t rows, std::size_t cols) {
  Tensor numbers({rows, cols});
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers.data()[i] = static_cast<float>(i % 97) * 0.01F - 0.5F;
  return numbers;
}

// As many matrices as a model has, so that weights are read from the same level of memory as there. The best time of
// each: other load on the machine only makes times longer.
double gflops(const std::vector<PackedMatrix>& matrices, std::size_t rows, double seconds) {
  const std::size_t in = matrices[0].in(), out = matrices[0].out();
  const Tensor x = some_numbers(rows, in);
  Tensor y({rows, out});
  std::vector<double> best(matrices.size(), 1e9);
  const auto start = Clock::now();
  do
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      const auto begin = Clock::now();
      matrices[i].multiply(x.matrix(), y.matrix());
      best[i] = std::min(best[i], seconds_since(begin));
    }
  while (seconds_since(start) < seconds);
  double all = 0;
  for (const double one : best) all += one;
  return 2e-9 * static_cast<double>(rows * in * out * matrices.size()) / all;
}

}  // namespace

int main(int argc, char** argv) {
  const stratoscope::ThreadScope threads(argc > 1 ? std::atoi(argv[1]) : 0);
  const double seconds = argc > 2 ? std::atof(argv[2]) : 0.2;
  std::printf("limit of float32 %.0f GFLOP/s, of bfloat16 %.0f (0: the processor does not multiply it)\n",
              1e-9 * stratoscope::multiply_add_limit(), 1e-9 * stratoscope::bfloat16_limit().value_or(0));
  for (const auto& [in, out] : kShapes) {
    const Tensor weights = some_numbers(in, out);
    std::vector<PackedMatrix> fp32, bf16;
    for (std::size_t i = 0; i < (out > kShapes[2][1] ? 1 : kBlocks); ++i) {
      fp32.emplace_back(weights.data(), in, out, WeightLayout::in_out, nullptr, Arithmetic::fp32);
      bf16.emplace_back(weights.data(), in, out, WeightLayout::in_out, nullptr, Arithmetic::bf16);
    }
    for (const std::size_t rows : kRows) {
      const double whole = gflops(fp32, rows, seconds), half = gflops(bf16, rows, seconds);
      std::printf("%5zu x %5zu, %4zu rows: %6.1f GFLOP/s in fp32, %6.1f in bf16, %.2f times as fast\n", in, out, rows,
                  whole, half, half / whole);
    }
  }
}
