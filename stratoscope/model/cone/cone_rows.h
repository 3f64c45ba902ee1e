// The causal cone of an edited run in one block: the rows that differ from the clean run, and the hooks from which on.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "stratoscope/model/cone/cone_runs.h"

namespace stratoscope {

struct ConeRow {
  std::size_t position = 0;
  Hook entry = Hook::resid_pre;  // the first hook with values of its own; earlier values are the clean run's
  bool keys_only = false;        // only its keys and values are needed: it ends with attention
};

struct ConeRows {
  std::vector<ConeRow> rows;  // ascending positions
  // Keys and values may differ from the clean run's from this position on.
  std::optional<std::size_t> own_keys_from;

  // Positions whose block output differs.
  std::vector<std::size_t> left() const;
  bool empty() const { return rows.empty(); }
};

// Whether an edit there changes keys or values that other queries see.
bool changes_keys(Hook hook);

// `live` are the positions whose block input differs; `positions` is the length of the text. After the last block only
// rows from `first_asked` on are needed; elsewhere it is 0.
ConeRows cone_rows(const ConeRun& run, std::size_t layer, const BlockSpec& block, std::span<const std::size_t> live,
                   std::size_t positions, std::size_t first_asked);

// The rows whose input of the first block differs, by edits of the embeddings.
std::vector<std::size_t> embedded_rows(const ConeRun& run);
// The requested rows whose logits must be computed, if the rows `live` differ after the last block.
std::vector<std::size_t> unembedded_rows(const ConeRun& run, std::span<const std::size_t> live,
                                         std::size_t first_asked);

// Throws Error for texts, edits and positions that the request or the model does not have.
void check_cones(const ConeRequest& request, const ModelConfig& config);

ConeCost cost_of(const ConeRequest& request, const ModelConfig& config);

// Logits are computed for this many rows at a time, except for a text with more requested rows.
constexpr std::size_t kRowsPerUnembedding = 96;

}  // namespace stratoscope
