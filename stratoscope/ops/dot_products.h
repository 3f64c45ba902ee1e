// Products of bfloat16 numbers by AVX-512 BF16: each float32 sum adds two products at once.
#pragma once

#include "stratoscope/ops/panel_kernels.h"

namespace stratoscope {

bool has_dot_products();
// Whether they are faster than float32 multiply-adds; on Intel's processors they are not.
bool has_fast_dot_products();

// Pairs of neighbouring inner rows are stored together. A sum adds the product of the odd place and then that of the
// even place of each pair, rounded to nearest after each; numbers below 2^-126 count as zero. Needs has_dot_products().
PanelKernels dot_product_kernels();

// Computes `steps` times 12 dot products in registers: chains of multiply-adds of two terms each. Returns the number of
// operations, and in `sum` a result that keeps the compiler from removing the work. Needs has_dot_products().
double chain_dot_products(std::size_t steps, float* sum);

}  // namespace stratoscope
