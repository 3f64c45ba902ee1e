// Layer normalisation of rows (Ba, Kiros, Hinton 2016): normalized = (x - mean) / scale, scale = sqrt(var + eps).
#pragma once

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// Biased variance, two passes with sums in double, eps inside the root, division and not the reciprocal.
// normalized [rows, d] is before weight and bias; scale [rows] is the divisor of each row. normalized may be x.
void layer_norm_statistics(MatrixView<const float> x, float eps, MatrixView<float> normalized, float* scale);

// normalized = (x - mean) / scale with a given divisor for each row: what layer_norm_statistics does with its own.
void normalize_by(MatrixView<const float> x, const float* scale, MatrixView<float> normalized);

// y = normalized * weight + bias, row by row; y may be normalized.
void scale_and_shift(MatrixView<const float> normalized, const float* weight, const float* bias, MatrixView<float> y);

}  // namespace stratoscope
