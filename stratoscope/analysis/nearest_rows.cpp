#include "stratoscope/analysis/nearest_rows.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/analysis/dispersion.h"
#include "stratoscope/base/threads.h"

namespace stratoscope {
namespace {

constexpr std::size_t kBlock = 256;  // rows of the table that a thread reads at a time

double cosine_of(double dot, double length) {
  const double cosine = length == 0 ? 0 : dot / length;
  return std::isnan(cosine) ? cosine : std::clamp(cosine, -1.0, 1.0);
}

bool nearer(const NearRow& a, const NearRow& b) {
  if (std::isnan(a.cosine) != std::isnan(b.cosine)) return std::isnan(b.cosine);
  return a.cosine > b.cosine || (!(a.cosine < b.cosine) && a.row < b.row);
}

}  // namespace

template <class T>
std::vector<std::vector<NearRow>> nearest_rows(MatrixView<const T> vectors, MatrixView<const float> table,
                                               std::size_t count) {
  const std::size_t n = vectors.rows;
  // Vectors side by side, so that each row of the table is read once for all vectors.
  std::vector<double> turned(vectors.cols * n);
  for (std::size_t v = 0; v < n; ++v)
    for (std::size_t i = 0; i < vectors.cols; ++i) turned[i * n + v] = static_cast<double>(vectors.row(v)[i]);
  const std::vector<double> norms = row_norms(vectors);
  std::vector<std::vector<NearRow>> nearest(n, std::vector<NearRow>(table.rows));
  parallel_for((table.rows + kBlock - 1) / kBlock, [&](std::size_t block) {
    std::vector<double> dots(n);
    for (std::size_t row = block * kBlock; row < std::min(table.rows, (block + 1) * kBlock); ++row) {
      std::fill(dots.begin(), dots.end(), 0.0);
      double squares = 0;
      for (std::size_t i = 0; i < table.cols; ++i) {
        const auto x = static_cast<double>(table.row(row)[i]);
        squares += x * x;
        for (std::size_t v = 0; v < n; ++v) dots[v] += x * turned[i * n + v];
      }
      for (std::size_t v = 0; v < n; ++v) nearest[v][row] = {row, cosine_of(dots[v], norms[v] * std::sqrt(squares))};
    }
  });
  const std::size_t kept = std::min(count, table.rows);
  for (auto& rows : nearest) {
    std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(kept), rows.end(), nearer);
    rows.resize(kept);
  }
  return nearest;
}

template std::vector<std::vector<NearRow>> nearest_rows(MatrixView<const float>, MatrixView<const float>, std::size_t);
template std::vector<std::vector<NearRow>> nearest_rows(MatrixView<const double>, MatrixView<const float>, std::size_t);

}  // namespace stratoscope
