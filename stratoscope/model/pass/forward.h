// Functions that the engine's and the reference's forward passes share.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "stratoscope/model/pass/hooks.h"

namespace stratoscope {

// Throws Error for a token or a length that the model does not have, and for a part of a pass or a cache that does not
// match the sequences.
void check_request(const RunRequest& request, const ModelConfig& config);

// The requested blocks [first, last).
struct BlockRange {
  std::size_t first, last;
};
BlockRange blocks_of(const RunRequest& request, const ModelConfig& config);
// Hidden states of a run: one before each block and the last.
inline std::size_t hidden_states_of(BlockRange blocks) { return blocks.last - blocks.first + 1; }

// Before block `layer`: reports the progress of the pass; throws Interrupted if it is cancelled.
void report(const RunRequest& request, std::size_t layer, std::size_t n_layers);

std::vector<std::size_t> offsets_of(const std::vector<TokenIds>& sequences);

// The last row of each sequence of [N, d].
template <class T>
BasicTensor<T> last_rows(MatrixView<const T> rows, std::span<const std::size_t> row_offsets) {
  BasicTensor<T> last({row_offsets.size() - 1, rows.cols});
  for (std::size_t s = 0; s + 1 < row_offsets.size(); ++s)
    std::copy_n(rows.row(row_offsets[s + 1] - 1), rows.cols, last.matrix().row(s));
  return last;
}

// Applies edits of unembed.hook_out if only the last position's logits exist, [sequences, d_vocab].
template <class T>
void edit_last_logits(const RunRequest& request, Hooks<T>& hooks, MatrixView<T> logits) {
  for (std::size_t s = 0; s < request.sequences.size(); ++s) {
    const auto row = logits.rows_from(s, 1);
    hooks.edit({Hook::unembed_out, 0}, s,
               {row.data,
                {1, 1, row.cols},
                {row.stride, row.cols, 1},
                hooks.first_position(s) + request.sequences[s].size() - 1});
  }
}

}  // namespace stratoscope
