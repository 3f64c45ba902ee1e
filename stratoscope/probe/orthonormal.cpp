#include "stratoscope/probe/orthonormal.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace stratoscope {
namespace {

using Rows = std::vector<std::vector<double>>;

double length_of(const std::vector<double>& row) {
  return std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
}

void remove_component(std::vector<double>& row, const std::vector<double>& direction) {
  const double dot = std::inner_product(row.begin(), row.end(), direction.begin(), 0.0);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] -= dot * direction[i];
}

}  // namespace

BasicTensor<double> orthonormal_rows(MatrixView<const double> matrix) {
  Rows rest, basis;
  for (std::size_t r = 0; r < matrix.rows; ++r) rest.emplace_back(matrix.row(r), matrix.row(r) + matrix.cols);
  double smallest = 0;
  while (!rest.empty()) {
    std::vector<double> lengths;
    for (const auto& row : rest) lengths.push_back(length_of(row));
    const auto longest = std::max_element(lengths.begin(), lengths.end()) - lengths.begin();
    if (basis.empty())
      smallest = lengths[static_cast<std::size_t>(longest)] * static_cast<double>(std::max(matrix.rows, matrix.cols)) *
                 0x1p-52;
    std::vector<double> direction = std::move(rest[static_cast<std::size_t>(longest)]);
    rest.erase(rest.begin() + longest);
    for (const auto& known : basis) remove_component(direction, known);
    const double length = length_of(direction);
    if (length <= smallest) break;
    for (double& number : direction) number /= length;
    for (auto& row : rest) remove_component(row, direction);
    basis.push_back(std::move(direction));
  }
  BasicTensor<double> result({basis.size(), matrix.cols});
  for (std::size_t r = 0; r < basis.size(); ++r) std::copy(basis[r].begin(), basis[r].end(), result.matrix().row(r));
  return result;
}

}  // namespace stratoscope
