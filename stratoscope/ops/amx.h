// Products of bfloat16 numbers by AMX, the matrix unit of x86-64 processors: tiles of 16 rows, sums in float32.
#pragma once

#include <cstddef>

#include "stratoscope/ops/panel_kernels.h"

namespace stratoscope {

// Whether the processor has AMX and the system lets this process use it. The first call requests this permission, for
// all threads.
bool has_amx();

// Pairs of neighbouring inner rows are stored together. For each 32 of the inner dimension, the instruction adds a sum
// over even and a sum over odd places; numbers below 2^-126 count as zero. Needs has_amx().
PanelKernels amx_kernels();

// Multiplies `steps` times four products of whole tiles, in registers. Returns the number of operations. Needs
// has_amx().
double multiply_tiles(std::size_t steps);

}  // namespace stratoscope
