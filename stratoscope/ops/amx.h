// Products of bfloat16 numbers by AMX, the matrix unit of x86-64 processors: tiles of 16 rows, sums in float32.
#pragma once

#include <cstddef>

#include "stratoscope/ops/panel_kernels.h"

namespace stratoscope {

// Whether the processor has it and the system lets this process use it. Asks for that leave at the first call, for all
// threads.
bool has_amx();

// Pairs of neighbouring inner rows lie together. A sum is added up from a sum of even and a sum of odd places for each
// 32 of the inner dimension, by the instruction; numbers below 2^-126 count as zero. Needs has_amx().
PanelKernels amx_kernels();

// `steps` times four products of whole tiles, in registers. Returns the number of operations. Needs has_amx().
double multiply_tiles(std::size_t steps);

}  // namespace stratoscope
