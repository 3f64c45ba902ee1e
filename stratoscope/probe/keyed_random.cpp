#include "stratoscope/probe/keyed_random.h"

#include <cmath>

namespace stratoscope {
namespace {

std::uint64_t mixed(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::uint64_t fnv_1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

// ln(x) by its series in (m - 1) / (m + 1), m the significand: the C library's logarithm has other last bits on other
// machines.
double logarithm(double x) {
  int exponent = 0;
  double significand = std::frexp(x, &exponent);
  if (significand < 0.70710678118654752) {
    significand *= 2;
    --exponent;
  }
  const double z = (significand - 1) / (significand + 1), square = z * z;  // |z| < 0.172
  double sum = 0;
  for (int n = 21; n >= 1; n -= 2) sum = sum * square + 1.0 / n;
  return exponent * 0.69314718055994531 + 2 * z * sum;
}

}  // namespace

RowRandom::RowRandom(std::uint64_t seed, std::string_view hook_point, std::size_t position, std::size_t head)
    : row_(mixed(mixed(mixed(mixed(seed) ^ fnv_1a(hook_point)) ^ position) ^ head)) {}

std::uint64_t RowRandom::bits(std::size_t index, std::uint64_t number) const {
  return mixed(mixed(row_ ^ index) ^ number);
}

double RowRandom::normal(std::size_t index) const {
  const auto uniform = [&](std::uint64_t number) {
    return static_cast<double>(bits(index, number) >> 11) * 0x1p-52 - 1;
  };
  for (std::uint64_t number = 0;; number += 2) {
    const double u = uniform(number), v = uniform(number + 1), s = u * u + v * v;
    if (s > 0 && s < 1) return u * std::sqrt(-2 * logarithm(s) / s);
  }
}

}  // namespace stratoscope
