// What the engine's and the reference's forward passes share.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "stratoscope/model/hooks.h"

namespace stratoscope {

// Throws Error for a token or a length that the model does not have.
void check_sequences(const RunRequest& request, const ModelConfig& config);

// Before block `layer`: says how far the pass is; throws Interrupted when it is cancelled.
void report(const RunRequest& request, std::size_t layer, std::size_t n_layers);

std::vector<std::size_t> offsets_of(const std::vector<TokenIds>& sequences);

// The rows of [N, d] that each sequence ends with.
template <class T>
BasicTensor<T> last_rows(MatrixView<const T> rows, std::span<const std::size_t> row_offsets) {
  BasicTensor<T> last({row_offsets.size() - 1, rows.cols});
  for (std::size_t s = 0; s + 1 < row_offsets.size(); ++s)
    std::copy_n(rows.row(row_offsets[s + 1] - 1), rows.cols, last.matrix().row(s));
  return last;
}

}  // namespace stratoscope
