// Cosine similarity of the rows of a matrix: cos(x, y) = x·y / (|x| |y|). Sums run in double.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

// All pairs of rows, [rows][rows], in [-1, 1]; 0 if a row is zero. T is float or double.
template <class T>
STRATOSCOPE_API std::vector<std::vector<double>> cosine_matrix(MatrixView<const T> rows);

// The laminar profile at one depth: the similarities above the diagonal, in row order, of the rows from `first` on
// (the first token's hidden state is an outlier in GPT-2, so it is left out). Empty for fewer than two such rows.
std::vector<double> upper_triangle(const std::vector<std::vector<double>>& matrix, std::size_t first = 1);

}  // namespace stratoscope
