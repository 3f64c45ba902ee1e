// Permutations that are the same on every machine for one seed.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

// The numbers 0 to count - 1 in random order (Fisher and Yates; Durstenfeld 1964).
std::vector<std::size_t> permutation(std::size_t count, std::mt19937_64& random);

// Each column in a random order of its own: every column keeps its distribution, and the columns lose their relation to
// each other. The order of a column depends on the seed, its index and the number of rows alone. T is float or double.
template <class T>
STRATOSCOPE_API BasicTensor<T> shuffled_columns(MatrixView<const T> rows, std::size_t seed);

}  // namespace stratoscope
