// Rotary position embedding (Su et al. 2021): pairs of a head's numbers are rotated by an angle that grows with the
// position.
#pragma once

#include <cstddef>
#include <span>

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// Cosines and sines of the angle of each pair at each position, both [positions, pairs].
struct RotaryTable {
  Tensor cos, sin;
};

// Row r of x is rotated by row positions[r] of the table. x and y are [rows, heads * d_head]. With n = 2 * pairs, n <=
// d_head, the first n numbers of each head are rotated: the pair (a, b) at (j, j + n/2), or at (2j, 2j + 1) if
// `interleaved`, becomes (a cos - b sin, b cos + a sin). The others are copied. y may be x.
void rotate(MatrixView<const float> x, std::span<const std::size_t> positions, const RotaryTable& table,
            std::size_t d_head, bool interleaved, MatrixView<float> y);

}  // namespace stratoscope
