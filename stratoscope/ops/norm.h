// Normalisation of rows, or of equal parts of them.
//   layer (Ba, Kiros, Hinton 2016): normalized = (x - mean) / scale, scale = sqrt(variance + eps), biased variance
//   rms (Zhang, Sennrich 2019):     normalized = x / scale, scale = sqrt(mean of squares + eps)
//   none:                           normalized = x / scale, scale = 1
// Sums are in double, the variance takes two passes; eps is inside the root; rows are divided, not multiplied by the
// reciprocal.
#pragma once

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

enum class NormKind { none, layer, rms };

// normalized [rows, d] is before weight and bias. scale [rows, groups] has the divisors: each row is `groups` equal
// parts that are normalised separately, and d is a multiple of groups. normalized may be x.
void norm_statistics(NormKind kind, MatrixView<const float> x, float eps, MatrixView<float> normalized,
                     MatrixView<float> scale);

// norm_statistics with given divisors instead of its own.
void normalize_by(NormKind kind, MatrixView<const float> x, MatrixView<const float> scale,
                  MatrixView<float> normalized);

// y = normalized * weight + bias, row by row. Both have a number for each column; a null weight means ones, a null bias
// zeros. y may be normalized.
void scale_and_shift(MatrixView<const float> normalized, const float* weight, const float* bias, MatrixView<float> y);

}  // namespace stratoscope
