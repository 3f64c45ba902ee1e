// What cells cost: multiplications and additions, and memory.
#include <algorithm>

#include "stratoscope/model/cone_rows.h"
#include "stratoscope/ops/attention.h"

namespace stratoscope {
namespace {

struct Rows {
  double qkv = 0, z = 0, mlp_in = 0, mlp_out = 0;  // rows of each product
  double keys = 0;                                 // keys seen by all queries together
};

void count(const ConeRow& row, Rows& rows) {
  const auto until = [&](Join last) { return row.join <= last ? 1.0 : 0.0; };
  rows.qkv += until(Join::resid_pre);
  if (row.leaves) return;
  rows.keys += until(Join::attention) * static_cast<double>(row.position + 1);
  rows.z += until(Join::z);
  rows.mlp_in += until(Join::resid_mid);
  rows.mlp_out += until(Join::mlp_post);
}

double operations_of(const Rows& rows, const ModelConfig& config) {
  const auto d = static_cast<double>(config.d_model), m = static_cast<double>(config.d_mlp());
  return 2 * d * (3 * d * rows.qkv + d * rows.z + m * (rows.mlp_in + rows.mlp_out)) + 4 * d * rows.keys;
}

double logit_operations(std::size_t rows, const ModelConfig& config) {
  return 2 * static_cast<double>(rows * config.d_model) * static_cast<double>(config.d_vocab);
}

// In the last block, what ends before the first row whose logits are asked ends with its keys and values.
std::size_t asked_in(std::size_t layer, std::size_t first_asked, const ModelConfig& config) {
  return layer + 1 == config.n_layers() ? first_asked : 0;
}

// Numbers of a row in StackValues.
std::size_t row_width(const ModelConfig& config) { return 11 * config.d_model + config.d_mlp() + 1; }

// Keys and values lie in whole vectors of so many numbers at most.
constexpr std::size_t kLanes = 16;
std::size_t padded_head(const ModelConfig& config) { return (config.d_head() + kLanes - 1) / kLanes * kLanes; }

}  // namespace

CellsCost& CellsCost::operator+=(const CellsCost& other) {
  operations += other.operations;
  full_operations += other.full_operations;
  texts += other.texts;
  clean_rows += other.clean_rows;
  clean_logit_rows += other.clean_logit_rows;
  cells += other.cells;
  edits += other.edits;
  live_rows += other.live_rows;
  block_rows += other.block_rows;
  logit_rows += other.logit_rows;
  largest_cell = std::max(largest_cell, other.largest_cell);
  longest = std::max(longest, other.longest);
  most_asked = std::max(most_asked, other.most_asked);
  edits_mlp_pre |= other.edits_mlp_pre;
  edits_scores |= other.edits_scores;
  edits_heads |= other.edits_heads;
  return *this;
}

std::size_t CellsCost::bytes(const ModelConfig& config, std::size_t rows_at_once, int threads) const {
  constexpr std::size_t kMatmulRows = 48, kResultRows = 96, kWords = 32;
  const std::size_t d = config.d_model, heads = config.n_heads(), workers = static_cast<std::size_t>(threads);
  const std::size_t head = padded_head(config), keys = longest + kLanes;
  // Between blocks: the residual stream of clean runs and of cells, and what cells are.
  std::size_t numbers = (clean_rows + live_rows) * d;
  const std::size_t words = kWords * (cells + edits + texts) + 4 * (clean_rows + live_rows + block_rows);
  // In a block: the clean runs with their keys and values, and one stack of cells; a product may copy what it reads.
  const std::size_t stack_rows = std::max(largest_cell, std::min(block_rows, rows_at_once));
  numbers += clean_rows * (row_width(config) + (edits_mlp_pre ? config.d_mlp() : 0)) +
             2 * heads * (clean_rows * head + texts * kLanes * head);
  numbers += stack_rows * row_width(config) + 2 * std::max(stack_rows, clean_rows) * config.d_mlp();
  // Attention: a member's own keys and values, and score rows, on each thread.
  numbers += workers * (edits_scores ? heads : 1) * (2 * keys * head + kQueryRows * (keys + head));
  if (edits_heads) numbers += 2 * kResultRows * heads * d + 2 * (d + kResultRows) * d;
  // Logits: those of the clean runs are kept; of cells there are some at a time, and padded ones on each thread.
  const std::size_t logits =
      std::max(most_asked, std::min(kRowsPerUnembedding, std::max(logit_rows, clean_logit_rows)));
  numbers +=
      (clean_logit_rows + logits + workers * (kMatmulRows + (most_asked > 1 ? most_asked : 0))) * config.d_vocab +
      logits * row_width(config);
  return numbers * sizeof(float) + words * sizeof(std::size_t);
}

CellsCost cost_of_text(std::size_t positions, std::size_t first_asked, const ModelConfig& config) {
  Rows rows;
  for (std::size_t layer = 0; layer < config.n_layers(); ++layer)
    for (std::size_t p = 0; p < positions; ++p)
      count({p, Join::resid_pre, p < asked_in(layer, first_asked, config)}, rows);
  CellsCost cost;
  cost.operations = operations_of(rows, config) + logit_operations(positions - first_asked, config);
  cost.full_operations = cost.operations;
  cost.texts = 1;
  cost.clean_rows = cost.longest = positions;
  cost.clean_logit_rows = cost.most_asked = positions - first_asked;
  return cost;
}

std::size_t kept_bytes_of_text(std::size_t positions, std::size_t first_asked, const ModelConfig& config) {
  const std::size_t head = padded_head(config);
  const std::size_t row = row_width(config) + config.d_mlp() + 2 * config.n_heads() * head;
  const std::size_t block = positions * row + 2 * kLanes * config.n_heads() * head;
  return sizeof(float) * (config.n_layers() * block + (positions - first_asked) * config.d_vocab);
}

CellsCost cost_of_cell(const Cell& cell, std::size_t positions, std::size_t first_asked, const ModelConfig& config) {
  CellsCost cost;
  Rows rows;
  std::vector<std::size_t> live = embedded_rows(cell);
  cost.live_rows = live.size();
  for (std::size_t layer = 0; layer < config.n_layers(); ++layer) {
    const ConeRows cone = cone_rows(cell, layer, live, positions, asked_in(layer, first_asked, config));
    for (const ConeRow& row : cone.rows) count(row, rows);
    live = cone.left();
    cost.live_rows = std::max(cost.live_rows, live.size());
    cost.block_rows = std::max(cost.block_rows, cone.rows.size());
  }
  cost.logit_rows = unembedded_rows(cell, live, first_asked).size();
  cost.operations = operations_of(rows, config) + logit_operations(cost.logit_rows, config);
  cost.full_operations = cost_of_text(positions, first_asked, config).full_operations;
  cost.largest_cell = cost.block_rows;
  cost.cells = 1;
  cost.edits = cell.edits.size();
  cost.longest = positions;
  for (const HookEdit& edit : cell.edits) {
    cost.edits_mlp_pre |= edit.at.hook == Hook::mlp_pre;
    cost.edits_scores |= edit.at.hook == Hook::attn_scores || edit.at.hook == Hook::pattern;
    cost.edits_heads |= edit.at.hook == Hook::result;
  }
  return cost;
}

CellsCost cost_of(const CellsRequest& request, const ModelConfig& config) {
  CellsCost cost;
  for (std::size_t t = 0; t < request.texts.size(); ++t)
    cost += cost_of_text(request.texts[t].size(), request.first_asked[t], config);
  for (const Cell& cell : request.cells)
    cost += cost_of_cell(cell, request.texts[cell.text].size(), request.first_asked[cell.text], config);
  return cost;
}

}  // namespace stratoscope
