// Linear centred kernel alignment: the similarity of two sets of representations of the same tokens, invariant to
// rotation and scaling (Kornblith et al. 2019, "Similarity of Neural Network Representations Revisited").
#pragma once

#include <span>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

enum class CkaEstimate {
  // CKA(X, Y) = |Y'X|_F^2 / (|X'X|_F |Y'Y|_F) of the centred rows, in [0, 1]. With fewer tokens than dimensions it is
  // high for any two sets.
  plain,
  // From the unbiased estimate of HSIC (Song et al. 2012; Nguyen et al. 2021): about 0 for independent sets, however
  // few the tokens; it may be slightly negative. Needs four tokens.
  debiased,
};

// Between every two of `sets`, each [pos, d] with the same tokens as rows: [sets][sets]. NaN for fewer than two tokens
// (four for the debiased estimate), and for a set that does not vary or holds a NaN. T is float or double.
template <class T>
STRATOSCOPE_API std::vector<std::vector<double>> linear_cka(std::span<const MatrixView<const T>> sets,
                                                            CkaEstimate estimate = CkaEstimate::plain);

}  // namespace stratoscope
