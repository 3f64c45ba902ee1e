#include "stratoscope/analysis/permutation.h"

#include <numeric>
#include <utility>

namespace stratoscope {

std::vector<std::size_t> permutation(std::size_t count, std::mt19937_64& random) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  return order;
}

template <class T>
BasicTensor<T> shuffled_columns(MatrixView<const T> rows, std::size_t seed) {
  std::mt19937_64 random(seed);
  BasicTensor<T> shuffled({rows.rows, rows.cols});
  for (std::size_t c = 0; c < rows.cols; ++c) {
    const std::vector<std::size_t> order = permutation(rows.rows, random);
    for (std::size_t r = 0; r < rows.rows; ++r) shuffled.matrix().row(r)[c] = rows.row(order[r])[c];
  }
  return shuffled;
}

template BasicTensor<float> shuffled_columns(MatrixView<const float>, std::size_t);
template BasicTensor<double> shuffled_columns(MatrixView<const double>, std::size_t);

}  // namespace stratoscope
