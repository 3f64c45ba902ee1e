// What this machine can do at most: the measure of every product.
#pragma once

#include <optional>

#include "stratoscope/base/progress.h"

namespace stratoscope {

// Floating-point operations a second of fused multiply-adds (two each) on float32 registers alone, by all threads of
// the surrounding ThreadScope at once: the best of many runs of some milliseconds. Where an instruction set has no
// fused ones, a multiplication and an addition.
double multiply_add_limit(const Progress* progress = nullptr);

// The same of bfloat16 products that are summed in float32, where the processor multiplies bfloat16.
std::optional<double> bfloat16_limit(const Progress* progress = nullptr);

// Bytes a second that these threads read from memory, one after another in pieces of a mebibyte: the best of several
// passes over more than a processor's second caches hold. Throws std::bad_alloc without 256 MiB.
double stream_limit(const Progress* progress = nullptr);

}  // namespace stratoscope
