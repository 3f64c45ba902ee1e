// The spread of the hidden states of a text's tokens at one depth: x_1 … x_n are the rows. Sums run in double. Measures
// of two rows are NaN for fewer, and a NaN in the rows gives NaN.
#pragma once

#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

// |x_i|, [rows]. T is float or double, here and below.
template <class T>
STRATOSCOPE_API std::vector<double> row_norms(MatrixView<const T> rows);

// Effective dimension: (sum_k l_k)^2 / sum_k l_k^2 of the eigenvalues l_k of the rows' covariance (Gao et al. 2017, "A
// theory of multineuronal dimensionality, dynamics and measurement"). 1 when they lie on a line, min(rows - 1, cols) at
// the most; 0 when they are all the same. It needs no eigenvalues: it is tr(K)^2 / |K|_F^2 with K the centred rows'
// Gram matrix.
template <class T>
STRATOSCOPE_API double participation_ratio(MatrixView<const T> rows);

// Mean cosine over all pairs of different rows (Ethayarajh 2019, "How Contextual are Contextualized Word
// Representations?"), of the rows and of the rows minus their mean (Mu and Viswanath 2018, "All-but-the-Top"). The
// cosine of a zero row is 0. For n rows that share only their mean, the second is about -1/(n - 1).
struct Anisotropy {
  double raw = 0, centred = 0;
};
template <class T>
STRATOSCOPE_API Anisotropy anisotropy(MatrixView<const T> rows);

}  // namespace stratoscope
