#include "stratoscope/analysis/dispersion.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stratoscope/analysis/centred_rows.h"

namespace stratoscope {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// The sum over all pairs of u_i . u_j is (|sum u_i|^2 - sum |u_i|^2) / 2 for the rows' directions u_i.
double mean_cosine(const RowMatrix& rows) {
  Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(rows.cols());
  double alone = 0;
  for (Eigen::Index r = 0; r < rows.rows(); ++r) {
    const double norm = rows.row(r).norm();
    if (norm == 0) continue;
    sum += rows.row(r) / norm;
    alone += norm / norm;  // 1, or NaN
  }
  const auto count = static_cast<double>(rows.rows());
  const double mean = (sum.squaredNorm() - alone) / (count * (count - 1));
  return std::isnan(mean) ? mean : std::clamp(mean, -1.0, 1.0);
}

}  // namespace

template <class T>
std::vector<double> row_norms(MatrixView<const T> rows) {
  std::vector<double> norms(rows.rows);
  for (std::size_t r = 0; r < rows.rows; ++r) {
    double squares = 0;
    for (const T x : rows.row_span(r)) squares += static_cast<double>(x) * static_cast<double>(x);
    norms[r] = std::sqrt(squares);
  }
  return norms;
}

template <class T>
double participation_ratio(MatrixView<const T> rows) {
  if (rows.rows < 2) return kNone;
  const RowMatrix centred = centred_rows(rows);
  // The smaller of the two products has the same eigenvalues.
  const RowMatrix gram = centred.rows() <= centred.cols() ? lower_gram(centred) : lower_gram(centred.transpose());
  const double trace = gram.trace();
  if (trace == 0) return 0;
  const double squares = 2 * gram.squaredNorm() - gram.diagonal().squaredNorm();  // both triangles
  return trace * trace / squares;
}

template <class T>
Anisotropy anisotropy(MatrixView<const T> rows) {
  if (rows.rows < 2) return {kNone, kNone};
  return {mean_cosine(eigen_rows(rows)), mean_cosine(centred_rows(rows))};
}

template std::vector<double> row_norms(MatrixView<const float>);
template std::vector<double> row_norms(MatrixView<const double>);
template double participation_ratio(MatrixView<const float>);
template double participation_ratio(MatrixView<const double>);
template Anisotropy anisotropy(MatrixView<const float>);
template Anisotropy anisotropy(MatrixView<const double>);

}  // namespace stratoscope
