// The limits of this machine's speed, with which products are compared.
#pragma once

#include <optional>

#include "stratoscope/base/progress.h"

namespace stratoscope {

// Floating-point operations a second of fused multiply-adds (two each), only on float32 registers, by all threads of
// the surrounding ThreadScope at once: the best of many runs of some milliseconds. For an instruction set without fused
// ones, a multiplication and an addition.
double multiply_add_limit(const Progress* progress = nullptr);

// The same for bfloat16 products that are summed in float32, if the processor multiplies bfloat16.
std::optional<double> bfloat16_limit(const Progress* progress = nullptr);

// Bytes a second that these threads read from memory, in consecutive pieces of a mebibyte: the best of several passes
// over more bytes than fit a processor's second-level caches. Throws std::bad_alloc without 256 MiB.
double stream_limit(const Progress* progress = nullptr);

}  // namespace stratoscope
