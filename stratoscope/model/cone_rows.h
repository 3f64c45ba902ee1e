// The causal cone of one cell in one block: which rows differ from the clean run, and from where on.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "stratoscope/model/cells.h"

namespace stratoscope {

// Where in a block a row stops being the clean run's. What comes before is taken from the clean run.
enum class Join { resid_pre, attention, z, attn_out, resid_mid, mlp_pre, mlp_post, mlp_out, resid_post };
constexpr std::size_t kJoins = 9;

// Nothing for points outside of blocks.
std::optional<Join> join_of(Hook hook);

struct ConeRow {
  std::size_t position = 0;
  Join join = Join::resid_pre;
  bool leaves = false;  // its keys and values are all that is asked: it ends with attention
};

struct ConeRows {
  std::vector<ConeRow> rows;  // ascending positions
  // Keys and values differ from the clean run's from this position on.
  std::optional<std::size_t> own_keys_from;

  // Positions that differ when the block is left.
  std::vector<std::size_t> left() const;
  bool empty() const { return rows.empty(); }
};

// `live` are the rows that differ when the block is entered; `positions` those of the text. Behind the last block only
// rows from `first_asked` on matter; elsewhere it is 0.
ConeRows cone_rows(const Cell& cell, std::size_t layer, std::span<const std::size_t> live, std::size_t positions,
                   std::size_t first_asked);

// The rows that differ when the first block is entered, by edits of the embeddings.
std::vector<std::size_t> embedded_rows(const Cell& cell);
// The asked rows whose logits must be computed, where `live` differ behind the last block.
std::vector<std::size_t> unembedded_rows(const Cell& cell, std::span<const std::size_t> live, std::size_t first_asked);

// Throws Error for texts, edits and positions that the request or the model does not have.
void check_cells(const CellsRequest& request, const ModelConfig& config);

CellsCost cost_of(const CellsRequest& request, const ModelConfig& config);

// Logits are computed for so many rows at a time, but for a text that asks more.
constexpr std::size_t kRowsPerUnembedding = 96;

}  // namespace stratoscope
