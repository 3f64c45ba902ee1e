// The causal cone of an edited run in one block: which rows differ from the clean run, and from where on.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "stratoscope/model/cone/cone_runs.h"

namespace stratoscope {

struct ConeRow {
  std::size_t position = 0;
  Hook entry = Hook::resid_pre;  // where the row stops being the clean run's: what comes before is taken from there
  bool keys_only = false;        // its keys and values are all that is asked: it ends with attention
};

struct ConeRows {
  std::vector<ConeRow> rows;  // ascending positions
  // Keys and values may differ from the clean run's from this position on.
  std::optional<std::size_t> own_keys_from;

  // Positions that differ when the block is left.
  std::vector<std::size_t> left() const;
  bool empty() const { return rows.empty(); }
};

// Whether an edit there changes keys or values that other queries see.
bool changes_keys(Hook hook);

// `live` are the rows that differ when the block is entered; `positions` those of the text. After the last block only
// rows from `first_asked` on matter; elsewhere it is 0.
ConeRows cone_rows(const ConeRun& run, std::size_t layer, const BlockSpec& block, std::span<const std::size_t> live,
                   std::size_t positions, std::size_t first_asked);

// The rows that differ when the first block is entered, by edits of the embeddings.
std::vector<std::size_t> embedded_rows(const ConeRun& run);
// The asked rows whose logits must be computed, where `live` differ after the last block.
std::vector<std::size_t> unembedded_rows(const ConeRun& run, std::span<const std::size_t> live,
                                         std::size_t first_asked);

// Throws Error for texts, edits and positions that the request or the model does not have.
void check_cones(const ConeRequest& request, const ModelConfig& config);

ConeCost cost_of(const ConeRequest& request, const ModelConfig& config);

// Logits are computed for so many rows at a time, but for a text that asks more.
constexpr std::size_t kRowsPerUnembedding = 96;

}  // namespace stratoscope
