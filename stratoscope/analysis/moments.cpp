#include "stratoscope/analysis/moments.h"

#include <cmath>
#include <limits>

namespace stratoscope {
namespace {

constexpr double kNoMoment = std::numeric_limits<double>::quiet_NaN();

}  // namespace

void Moments::add(double value) {
  if (count_ == 0) min_ = max_ = value;
  if (value < min_ || std::isnan(value)) min_ = value;
  if (value > max_ || std::isnan(value)) max_ = value;
  zeros_ += value == 0 ? 1 : 0;
  const auto before = static_cast<double>(count_++);
  const auto n = static_cast<double>(count_);
  const double delta = value - mean_, step = delta / n, square = step * step, term = delta * step * before;
  mean_ += step;
  fourth_ += term * square * (n * n - 3 * n + 3) + 6 * square * second_ - 4 * step * third_;
  third_ += term * step * (n - 2) - 3 * step * second_;
  second_ += term;
}

double Moments::mean() const { return count_ > 0 ? mean_ : kNoMoment; }

double Moments::variance() const {
  if (count_ == 0) return kNoMoment;
  return count_ > 1 ? second_ / static_cast<double>(count_ - 1) : 0 * second_;
}

double Moments::excess_kurtosis() const {
  if (!(second_ > 0)) return kNoMoment;
  return static_cast<double>(count_) * fourth_ / (second_ * second_) - 3;
}

double Moments::zeros() const {
  return count_ > 0 ? static_cast<double>(zeros_) / static_cast<double>(count_) : kNoMoment;
}

double Moments::min() const { return count_ > 0 ? min_ : kNoMoment; }
double Moments::max() const { return count_ > 0 ? max_ : kNoMoment; }

}  // namespace stratoscope
