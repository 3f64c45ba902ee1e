// Jitter and sampling, computed once so that all writers draw the same points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/figures/figure.h"

namespace stratoscope {

inline constexpr std::size_t kMostPoints = 50'000;

// A small random number generator with the same sequence on every machine (SplitMix64: Steele, Lea and Flood, 2014).
class Jitter {
 public:
  explicit Jitter(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  // Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

// The drawn points of one JitteredPoints mark: columns[i] has (x, y) near x = i.
struct Scatter {
  std::vector<std::vector<std::pair<double, double>>> columns;
};

// scatters[p][m] belongs to mark m of panel p and is empty for other kinds of marks. Values that are not finite are
// omitted. Above kMostPoints in the figure, a seeded sample of exactly that size is kept.
struct Scatters {
  std::vector<std::vector<Scatter>> panels;
  std::size_t shown = 0, total = 0;
  // "50,000 of 69,120 points are shown, drawn at random with a fixed seed.", or empty without sampling.
  std::string note() const;
};

Scatters scatter(const Figure& figure);

}  // namespace stratoscope
