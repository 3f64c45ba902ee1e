// Normalisation of rows, or of equal parts of them.
//   layer (Ba, Kiros, Hinton 2016): normalized = (x - mean) / scale, scale = sqrt(variance + eps), biased variance
//   rms (Zhang, Sennrich 2019):     normalized = x / scale, scale = sqrt(mean of squares + eps)
//   none:                           normalized = x / scale, scale = 1
// Sums are in double, the variance takes two passes; eps is inside the root; division and not the reciprocal.
#pragma once

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

enum class NormKind { none, layer, rms };

// normalized [rows, d] is before weight and bias. scale [rows, groups] holds the divisors: each row is `groups` equal
// parts that are normalised apart, and d is a multiple of groups. normalized may be x.
void norm_statistics(NormKind kind, MatrixView<const float> x, float eps, MatrixView<float> normalized,
                     MatrixView<float> scale);

// What norm_statistics does with its own divisors, with given ones.
void normalize_by(NormKind kind, MatrixView<const float> x, MatrixView<const float> scale,
                  MatrixView<float> normalized);

// y = normalized * weight + bias, row by row. Both have a number for each column; a null weight is all ones, a null
// bias all zeros. y may be normalized.
void scale_and_shift(MatrixView<const float> normalized, const float* weight, const float* bias, MatrixView<float> y);

}  // namespace stratoscope
