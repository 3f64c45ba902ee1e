// Causal attention of all heads over sequences that lie end to end.
#pragma once

#include <cstddef>
#include <span>

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// q, k, v and z are [N, n_heads * d_head], heads side by side. Row r of sequence s sees that sequence's rows up to
// itself. Where `scores` or `pattern` are not null they are [n_heads, N, longest] and receive what each query sees;
// what lies beyond keeps its value.
void causal_attention(MatrixView<const float> q, MatrixView<const float> k, MatrixView<const float> v,
                      std::size_t n_heads, float scale, std::span<const std::size_t> row_offsets, Tensor* scores,
                      Tensor* pattern, MatrixView<float> z);

}  // namespace stratoscope
