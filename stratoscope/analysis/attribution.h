// Direct logit attribution (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; nostalgebraist's
// logit lens applied to parts): the contribution of each summand of the residual stream to a logit.
//
// With a norm's scale s held at its value, the value that is read after the norm is linear in its input x. For a reader
// u (for a logit: the token's row of the unembedding; for two tokens: the difference of their rows) it is
//   sum_i ((x_i - mean(x)) / s w_i + b_i) u_i = x . r + c,
//   r_i = (w_i u_i - mean_j(w_j u_j)) / s,  c = sum_i b_i u_i,
// where w and b are the norm's weight and bias. For a norm without a mean (rms) both means are omitted. The subtraction
// of the mean is part of r, so that the parts of x need no mean of their own. A norm after a branch is held in the same
// way, with the r of the final norm as its reader. Sums are in double.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/ops/norm.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

struct Readout {
  std::vector<double> direction;  // r, [d_model]
  double constant = 0;            // c: the contribution of the norm's bias
};

// `reader` (u) is [d_model]; so are `weight` and `bias`, or empty for ones and zeros. `scale` is the norm's divisor at
// the position. For a norm of kind `none`, r is the reader.
Readout hold_scale(NormKind kind, std::span<const double> weight, std::span<const double> bias,
                   std::span<const double> reader, double scale);

// x . r, where T is float or double.
template <class T>
STRATOSCOPE_API double contribution(const Readout& readout, std::span<const T> x);

// For each row of a weight matrix that writes into the residual stream (W_O [n_heads * d_head, d_model], or an MLP's
// W_out [d_mlp, d_model]): the contribution of one unit, [rows].
std::vector<double> contribution_per_unit(const Readout& readout, MatrixView<const double> weight);

// By neuron: post_n (W_out[n] . r), [d_mlp]. By head: the same with z and W_O, summed over groups of `group` = d_head:
// z_h . (W_O[h] r), [n_heads]. `per_unit` is the result of the function above.
template <class T>
STRATOSCOPE_API std::vector<double> contributions(std::span<const T> activations, std::span<const double> per_unit,
                                                  std::size_t group = 1);

// A head's contribution by source position: pattern_p (v_p . (W_O[h] r)), [pos]. `pattern` is the query's row, `values`
// [pos, d_head], `per_unit` this head's part, [d_head]. The sum is the head's contribution.
template <class T>
STRATOSCOPE_API std::vector<double> contributions_by_source(std::span<const T> pattern, MatrixView<const T> values,
                                                            std::span<const double> per_unit);

}  // namespace stratoscope
