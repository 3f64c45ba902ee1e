#include "stratoscope/analysis/logistic_probe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "stratoscope/analysis/centred_rows.h"
#include "stratoscope/analysis/permutation.h"
#include "stratoscope/analysis/ranks.h"

namespace stratoscope {
namespace {

using Eigen::Index;
using Vector = Eigen::VectorXd;

// log(1 + exp(x)) without overflow.
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }

struct Solution {
  Vector weights;
  double bias = 0;
};

double loss(const RowMatrix& x, const Vector& signs, double penalty, const Solution& at) {
  const Vector scores = (x * at.weights).array() + at.bias;
  double sum = penalty / 2 * at.weights.squaredNorm();
  for (Index i = 0; i < scores.size(); ++i) sum += softplus(-signs(i) * scores(i));
  return sum;
}

Solution newton(const RowMatrix& x, const Vector& signs, double penalty) {
  constexpr int kMostSteps = 100, kMostHalvings = 40;
  constexpr double kSmallStep = 1e-10;
  const Index width = x.cols();
  Solution at{Vector::Zero(width), 0};
  double now = loss(x, signs, penalty, at);
  for (int step = 0; step < kMostSteps; ++step) {
    const Vector scores = (x * at.weights).array() + at.bias;
    Vector slopes(scores.size()), curvatures(scores.size());
    for (Index i = 0; i < scores.size(); ++i) {
      slopes(i) = -signs(i) * sigmoid(-signs(i) * scores(i));
      curvatures(i) = sigmoid(scores(i)) * sigmoid(-scores(i));
    }
    Eigen::MatrixXd hessian(width + 1, width + 1);
    const RowMatrix weighted = curvatures.asDiagonal() * x;
    hessian.topLeftCorner(width, width) = x.transpose() * weighted;
    hessian.topLeftCorner(width, width).diagonal().array() += penalty;
    hessian.col(width).head(width) = weighted.colwise().sum().transpose();
    hessian.row(width).head(width) = weighted.colwise().sum();
    hessian(width, width) = curvatures.sum();
    Vector gradient(width + 1);
    gradient.head(width) = x.transpose() * slopes + penalty * at.weights;
    gradient(width) = slopes.sum();
    const Vector change = hessian.ldlt().solve(gradient);
    double length = 1;
    Solution next;
    double reached = HUGE_VAL;
    for (int halving = 0; halving < kMostHalvings; ++halving) {
      next = {at.weights - length * change.head(width), at.bias - length * change(width)};
      reached = loss(x, signs, penalty, next);
      if (reached <= now) break;
      length /= 2;
    }
    if (!(reached <= now)) break;  // within rounding of the minimum
    at = next;
    now = reached;
    if (length * change.norm() <= kSmallStep * (1 + at.weights.norm() + std::abs(at.bias))) break;
  }
  return at;
}

}  // namespace

double LogisticProbe::score(const double* row) const {
  double sum = bias;
  for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * (row[i] - mean[i]) / deviation[i];
  return sum;
}

LogisticProbe fit_logistic_probe(MatrixView<const double> rows, const std::vector<bool>& is_first, double penalty) {
  constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
  RowMatrix x = centred_rows(rows);
  LogisticProbe probe;
  probe.weights.assign(rows.cols, kUndefined);
  probe.mean = probe.deviation = probe.weights;
  probe.bias = kUndefined;
  if (!x.allFinite()) return probe;
  const RowMatrix all = eigen_rows(rows);
  for (Index c = 0; c < x.cols(); ++c) {
    const auto column = static_cast<std::size_t>(c);
    const bool is_constant = (all.col(c).array() == all(0, c)).all();
    if (is_constant) x.col(c).setZero();
    probe.mean[column] = is_constant ? all(0, c) : all.col(c).mean();
    probe.deviation[column] = is_constant ? 1 : std::sqrt(x.col(c).squaredNorm() / static_cast<double>(x.rows()));
    x.col(c) /= probe.deviation[column];
  }
  Vector signs(x.rows());
  for (Index i = 0; i < signs.size(); ++i) signs(i) = is_first[static_cast<std::size_t>(i)] ? 1 : -1;
  // The weights lie in the space of the rows: with fewer rows than columns, they are found in coordinates of that
  // space, which are as many as there are rows.
  Solution found;
  if (x.cols() > x.rows()) {
    const Eigen::HouseholderQR<Eigen::MatrixXd> factors(x.transpose());
    const Eigen::MatrixXd space = factors.householderQ() * Eigen::MatrixXd::Identity(x.cols(), x.rows());
    found = newton(x * space, signs, penalty);
    found.weights = (space * found.weights).eval();
  } else {
    found = newton(x, signs, penalty);
  }
  probe.weights.assign(found.weights.data(), found.weights.data() + found.weights.size());
  probe.bias = found.bias;
  return probe;
}

std::vector<std::size_t> stratified_folds(const std::vector<bool>& is_first, std::size_t folds, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::size_t> fold_of(is_first.size());
  std::size_t dealt = 0;
  for (const bool group : {true, false}) {
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < is_first.size(); ++i)
      if (is_first[i] == group) members.push_back(i);
    for (const std::size_t place : permutation(members.size(), random)) fold_of[members[place]] = dealt++ % folds;
  }
  return fold_of;
}

ProbeQuality cross_validate(MatrixView<const double> rows, const std::vector<bool>& is_first, std::size_t folds,
                            std::uint64_t seed, double penalty) {
  const std::vector<std::size_t> fold_of = stratified_folds(is_first, folds, seed);
  std::vector<double> scores(rows.rows), of_first, of_second;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    std::vector<bool> fitted;
    for (std::size_t i = 0; i < rows.rows; ++i)
      if (fold_of[i] != fold) fitted.push_back(is_first[i]);
    BasicTensor<double> training({fitted.size(), rows.cols});
    for (std::size_t i = 0, to = 0; i < rows.rows; ++i)
      if (fold_of[i] != fold) std::copy_n(rows.row(i), rows.cols, training.matrix().row(to++));
    const BasicTensor<double>& fixed = training;
    const LogisticProbe probe = fit_logistic_probe(fixed.matrix(), fitted, penalty);
    for (std::size_t i = 0; i < rows.rows; ++i)
      if (fold_of[i] == fold) scores[i] = probe.score(rows.row(i));
  }
  std::size_t right = 0;
  for (std::size_t i = 0; i < rows.rows; ++i) {
    if (std::isnan(scores[i])) return {scores[i], scores[i]};
    if (is_first[i] ? scores[i] > 0 : scores[i] < 0) ++right;
    (is_first[i] ? of_first : of_second).push_back(scores[i]);
  }
  return {static_cast<double>(right) / static_cast<double>(rows.rows), area_under_curve(of_first, of_second)};
}

}  // namespace stratoscope
