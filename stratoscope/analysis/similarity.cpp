#include "stratoscope/analysis/similarity.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/base/threads.h"

namespace stratoscope {

template <class T>
std::vector<std::vector<double>> cosine_matrix(MatrixView<const T> rows) {
  const auto dot = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t i = 0; i < rows.cols; ++i)
      sum += static_cast<double>(rows.row(a)[i]) * static_cast<double>(rows.row(b)[i]);
    return sum;
  };
  std::vector<double> norms(rows.rows);
  for (std::size_t r = 0; r < rows.rows; ++r) norms[r] = std::sqrt(dot(r, r));
  std::vector<std::vector<double>> matrix(rows.rows, std::vector<double>(rows.rows, 0.0));
  parallel_for(rows.rows, [&](std::size_t a) {
    for (std::size_t b = 0; b < a; ++b) {
      const double length = norms[a] * norms[b];
      const double cosine = length == 0 ? 0 : dot(a, b) / length;
      matrix[a][b] = std::isnan(cosine) ? cosine : std::clamp(cosine, -1.0, 1.0);
    }
    matrix[a][a] = norms[a] == 0 ? 0 : norms[a] / norms[a];  // 1, or NaN for a row that is not finite
  });
  for (std::size_t a = 0; a < rows.rows; ++a)
    for (std::size_t b = 0; b < a; ++b) matrix[b][a] = matrix[a][b];
  return matrix;
}

template std::vector<std::vector<double>> cosine_matrix(MatrixView<const float>);
template std::vector<std::vector<double>> cosine_matrix(MatrixView<const double>);

std::vector<double> upper_triangle(const std::vector<std::vector<double>>& matrix, std::size_t first) {
  std::vector<double> values;
  for (std::size_t a = first; a < matrix.size(); ++a)
    for (std::size_t b = a + 1; b < matrix.size(); ++b) values.push_back(matrix[a][b]);
  return values;
}

}  // namespace stratoscope
