#include "stratoscope/analysis/principal_components.h"

#include <algorithm>
#include <limits>

#include "stratoscope/analysis/centred_rows.h"

namespace stratoscope {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kNothing = 1e-13;  // of the largest scatter: rounding errors alone

std::vector<double> numbers(const Eigen::RowVectorXd& row) { return {row.data(), row.data() + row.size()}; }

// The smaller one of X'X and X X', which have the same eigenvalues apart from zeros.
RowMatrix smaller_gram(const RowMatrix& x) { return x.cols() > x.rows() ? lower_gram(x) : lower_gram(x.transpose()); }

// Unit vectors as rows, and the scatter (n - 1 times the variance) along each.
struct Directions {
  RowMatrix rows;
  Eigen::VectorXd scatter;
};

// The eigenvectors of the smaller one of X'X and X X'; those of the second are mapped to the space of X.
Directions directions_of(const RowMatrix& x, Eigen::Index count) {
  const bool wide = x.cols() > x.rows();
  const RowMatrix square = smaller_gram(x);
  const Eigen::SelfAdjointEigenSolver<RowMatrix> solver(square);  // eigenvalues ascend
  Directions found{RowMatrix::Zero(count, x.cols()), Eigen::VectorXd::Zero(count)};
  for (Eigen::Index k = 0; k < count; ++k) {
    const Eigen::Index place = square.rows() - 1 - k;
    if (!(solver.eigenvalues()(place) > kNothing * solver.eigenvalues()(square.rows() - 1))) continue;
    found.scatter(k) = solver.eigenvalues()(place);
    Eigen::RowVectorXd direction = solver.eigenvectors().col(place).transpose();
    if (wide) direction = (direction * x).eval();
    const double length = direction.norm();
    Eigen::Index largest = 0;
    direction.cwiseAbs().maxCoeff(&largest);
    found.rows.row(k) = direction / (direction(largest) < 0 ? -length : length);
  }
  return found;
}

}  // namespace

template <class T>
PrincipalComponents principal_components(MatrixView<const T> rows, std::size_t components) {
  const std::size_t count = std::min({components, rows.rows, rows.cols});
  PrincipalComponents result;
  const RowMatrix all = eigen_rows(rows);
  if (!all.allFinite()) {
    result.mean.assign(rows.cols, kNone);
    result.directions.assign(count, result.mean);
    result.coordinates.assign(rows.rows, std::vector<double>(count, kNone));
    result.explained.assign(count, kNone);
    result.variance = kNone;
    return result;
  }
  const RowMatrix x = centred_rows(rows);
  if (rows.rows > 0) result.mean = numbers(all.colwise().mean());
  const Directions found = directions_of(x, static_cast<Eigen::Index>(count));
  const double scatter = x.squaredNorm();
  result.variance = rows.rows > 1 ? scatter / static_cast<double>(rows.rows - 1) : 0;
  const RowMatrix coordinates = x * found.rows.transpose();
  for (Eigen::Index r = 0; r < x.rows(); ++r) result.coordinates.push_back(numbers(coordinates.row(r)));
  for (Eigen::Index k = 0; k < found.rows.rows(); ++k) {
    result.directions.push_back(numbers(found.rows.row(k)));
    result.explained.push_back(scatter > 0 ? found.scatter(k) / scatter : 0);
  }
  return result;
}

template <class T>
double components_for_variance(MatrixView<const T> rows, double share) {
  constexpr double kRounding = 1e-12;  // of a sum of shares
  const RowMatrix x = centred_rows(rows);
  if (rows.rows < 2 || !x.allFinite()) return kNone;
  const RowMatrix square = smaller_gram(x);
  const Eigen::VectorXd scatter =
      Eigen::SelfAdjointEigenSolver<RowMatrix>(square, Eigen::EigenvaluesOnly).eigenvalues().reverse();
  const double total = scatter.cwiseMax(0).sum();
  Eigen::Index count = 0;
  for (double sum = 0; total > 0 && count < scatter.size() && sum < (share - kRounding) * total; ++count)
    sum += std::max(scatter(count), 0.0);
  return static_cast<double>(count);
}

template PrincipalComponents principal_components(MatrixView<const float>, std::size_t);
template PrincipalComponents principal_components(MatrixView<const double>, std::size_t);
template double components_for_variance(MatrixView<const float>, double);
template double components_for_variance(MatrixView<const double>, double);

}  // namespace stratoscope
