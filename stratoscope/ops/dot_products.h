// Products of bfloat16 numbers by AVX-512 BF16: each float32 sum takes in two products at once.
#pragma once

#include "stratoscope/ops/panel_kernels.h"

namespace stratoscope {

bool has_dot_products();
// Whether they are faster than float32 multiply-adds: on Intel's processors they are not.
bool has_fast_dot_products();

// Pairs of neighbouring inner rows lie together. A sum takes in the products of the odd places and then those of the
// even ones of each pair, rounded to nearest after each; numbers below 2^-126 count as zero. Needs has_dot_products().
PanelKernels dot_product_kernels();

// `steps` times 12 dot products in registers: chains of multiply-adds of two terms each. Returns the number of
// operations, and in `sum` what keeps a compiler from leaving them out. Needs has_dot_products().
double chain_dot_products(std::size_t steps, float* sum);

}  // namespace stratoscope
