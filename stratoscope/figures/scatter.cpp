#include "stratoscope/figures/scatter.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/figures/number_text.h"

namespace stratoscope {
namespace {

constexpr std::uint64_t kJitterSeed = 0x5712a705c09e, kSampleSeed = 0x5a3b1e;
constexpr double kSpread = 0.64;  // of the distance between two categories

std::size_t count_finite(const JitteredPoints& points) {
  std::size_t count = 0;
  for (const auto& column : points.columns) {
    for (const double value : column) count += std::isfinite(value);
  }
  return count;
}

std::size_t count_points(const Figure& figure) {
  std::size_t total = 0;
  for (const Panel& panel : figure.panels) {
    for (const Mark& mark : panel.marks) {
      if (const auto* points = std::get_if<JitteredPoints>(&mark)) total += count_finite(*points);
    }
  }
  return total;
}

// Knuth's selection sampling: each remaining point is kept with the probability that exactly fills the sample.
class Sampler {
 public:
  explicit Sampler(std::size_t total) : coming_(total), wanted_(std::min(total, kMostPoints)) {}
  bool keep() {
    const bool all = coming_ == wanted_;
    const bool kept = all || random_.uniform() * static_cast<double>(coming_) < static_cast<double>(wanted_);
    --coming_;
    if (kept) --wanted_;
    return kept;
  }

 private:
  std::size_t coming_, wanted_;
  Jitter random_{kSampleSeed};
};

}  // namespace

std::uint64_t Jitter::next() {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

std::string Scatters::note() const {
  if (shown == total) return {};
  return grouped(shown) + " of " + grouped(total) + " points are shown, drawn at random with a fixed seed.";
}

Scatters scatter(const Figure& figure) {
  Scatters result;
  result.total = count_points(figure);
  Sampler sampler(result.total);
  Jitter jitter(kJitterSeed);
  for (const Panel& panel : figure.panels) {
    auto& marks = result.panels.emplace_back(panel.marks.size());
    for (std::size_t m = 0; m < panel.marks.size(); ++m) {
      const auto* points = std::get_if<JitteredPoints>(&panel.marks[m]);
      if (points == nullptr) continue;
      for (std::size_t i = 0; i < points->columns.size(); ++i) {
        auto& column = marks[m].columns.emplace_back();
        for (const double value : points->columns[i]) {
          if (!std::isfinite(value)) continue;
          const double x = static_cast<double>(i) + (jitter.uniform() - 0.5) * kSpread;
          if (!sampler.keep()) continue;
          column.emplace_back(x, value);
          ++result.shown;
        }
      }
    }
  }
  return result;
}

}  // namespace stratoscope
