#include "stratoscope/analysis/cka.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stratoscope/analysis/centred_rows.h"
#include "stratoscope/base/threads.h"

namespace stratoscope {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// The Gram matrix of a set's centred rows, K = X X', so that |Y'X|_F^2 is the sum of K_ij L_ij. Packed: the lower
// triangle without the diagonal, row by row, then the diagonal.
struct Gram {
  std::vector<double> below, diagonal;
  std::vector<double> row_sums;  // without the diagonal
  double sum = 0;                // of row_sums
};

template <class T>
Gram gram_of(MatrixView<const T> rows) {
  const RowMatrix full = lower_gram(centred_rows(rows));
  Gram gram;
  gram.row_sums.resize(rows.rows);
  gram.below.reserve(rows.rows * (rows.rows - 1) / 2);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double value = full(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j));
      if (j == i) {
        gram.diagonal.push_back(value);
        continue;
      }
      gram.below.push_back(value);
      gram.row_sums[i] += value;
      gram.row_sums[j] += value;
    }
  }
  for (const double each : gram.row_sums) gram.sum += each;
  return gram;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double hsic(const Gram& k, const Gram& l) { return 2 * dot(k.below, l.below) + dot(k.diagonal, l.diagonal); }

// Song et al. 2012, without the factor 1 / (n (n - 3)), which CKA cancels; the diagonals are left out.
double unbiased_hsic(const Gram& k, const Gram& l) {
  const auto n = static_cast<double>(k.diagonal.size());
  return 2 * dot(k.below, l.below) + k.sum * l.sum / ((n - 1) * (n - 2)) - 2 * dot(k.row_sums, l.row_sums) / (n - 2);
}

}  // namespace

template <class T>
std::vector<std::vector<double>> linear_cka(std::span<const MatrixView<const T>> sets, CkaEstimate estimate) {
  const bool plain = estimate == CkaEstimate::plain;
  std::vector<std::vector<double>> matrix(sets.size(), std::vector<double>(sets.size(), kNone));
  const std::size_t least = plain ? 2 : 4;
  if (std::any_of(sets.begin(), sets.end(), [&](const auto& set) { return set.rows < least; })) return matrix;
  std::vector<Gram> grams(sets.size());
  parallel_for(sets.size(), [&](std::size_t i) { grams[i] = gram_of(sets[i]); });
  const auto measure = plain ? hsic : unbiased_hsic;
  std::vector<double> lengths(sets.size());
  for (std::size_t i = 0; i < sets.size(); ++i) lengths[i] = std::sqrt(measure(grams[i], grams[i]));
  parallel_for(sets.size(), [&](std::size_t a) {
    for (std::size_t b = 0; b < a; ++b) {
      const double length = lengths[a] * lengths[b];
      const double value = length > 0 ? measure(grams[a], grams[b]) / length : kNone;
      matrix[a][b] = std::isnan(value) ? kNone : std::clamp(value, plain ? 0.0 : -1.0, 1.0);
    }
    matrix[a][a] = lengths[a] > 0 ? lengths[a] / lengths[a] : kNone;
  });
  for (std::size_t a = 0; a < sets.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) matrix[b][a] = matrix[a][b];
  return matrix;
}

template std::vector<std::vector<double>> linear_cka(std::span<const MatrixView<const float>>, CkaEstimate);
template std::vector<std::vector<double>> linear_cka(std::span<const MatrixView<const double>>, CkaEstimate);

}  // namespace stratoscope
