// The arithmetic of the reference: the formulas of the float64 pass, one function each.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/families/model_config.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

using Tensor64 = BasicTensor<double>;
using Rows64 = MatrixView<const double>;

// y = x W + b with W [in, out] and b [out]; the sum over `in` is in ascending order.
void linear(Rows64 x, const Tensor64& weight, const double* bias, MatrixView<double> y);

// The divisor of each group of a row, which consists of groups of equal width: scale [rows, groups].
void norm_scale(const NormSpec& spec, Rows64 x, MatrixView<double> scale);
// (x - mean) / scale, or x / scale without a mean.
void normalize(const NormSpec& spec, Rows64 x, Rows64 scale, MatrixView<double> normalized);
// normalized * weight + bias; an empty weight or bias is omitted.
void weigh(Rows64 normalized, const Tensor64& weight, const Tensor64& bias, MatrixView<double> y);

double activation_of(Activation activation, double x);

// Rotates each head of `width` numbers of a row by the angles of its position; x is one text from its beginning.
void rotate_heads(const Rotary& rotary, std::size_t width, MatrixView<double> x);

// scores[i, j] of the keys that query i sees, -inf elsewhere: scale * q[i] . k[j], capped, with the head's slope.
void write_scores(const AttentionSpec& spec, std::size_t head, Rows64 q, Rows64 k, MatrixView<double> scores);
// In place; keys that a query does not see become 0.
void softmax(const AttentionSpec& spec, MatrixView<double> scores);
// Scores or pattern of keys that a query does not see are set to `unseen`, also if an edit changed them.
void hide_unseen(const AttentionSpec& spec, MatrixView<double> rows, double unseen);
// z[i] = sum over the keys j that query i sees of pattern[i, j] v[j]
void mix(const AttentionSpec& spec, Rows64 pattern, Rows64 v, MatrixView<double> z);

}  // namespace stratoscope
