// The cost of edited runs: multiplications and additions, and memory.
#include <algorithm>
#include <set>

#include "stratoscope/model/cone/cone_rows.h"
#include "stratoscope/model/pass/widths.h"
#include "stratoscope/ops/attention.h"

namespace stratoscope {
namespace {

// Operations of one row of a run in a block.
double operations_of(const ConeRow& row, const BlockSpec& block, std::size_t d_model) {
  const RowOperations each = row_operations(block, d_model);
  double operations = row.entry < Hook::q ? each.qkv : 0;
  if (row.keys_only) return operations;
  if (row.entry <= Hook::attn_scores)
    operations += key_operations(block.attention) * static_cast<double>(keys_seen(block.attention, row.position));
  if (row.entry <= Hook::z) operations += each.o;
  if (row.entry < Hook::mlp_pre) operations += each.mlp_in;
  if (row.entry <= Hook::mlp_post) operations += each.down;
  return operations;
}

// Number of rows whose heads are multiplied one by one, so that their results can be edited.
std::size_t rows_with_edited_results(const ConeRun& run, std::size_t layer, const ConeRows& cone) {
  std::set<std::size_t> positions;
  for (const HookEdit& edit : run.edits)
    if (edit.at == HookPoint{Hook::result, layer}) positions.insert(edit.positions->begin(), edit.positions->end());
  return static_cast<std::size_t>(std::count_if(cone.rows.begin(), cone.rows.end(), [&](const ConeRow& row) {
    return !row.keys_only && positions.contains(row.position);
  }));
}

// In the last block, rows before the first one with requested logits end with their keys and values.
std::size_t asked_in(std::size_t layer, std::size_t first_asked, const ModelConfig& config) {
  return layer + 1 == config.n_layers() ? first_asked : 0;
}

// Keys and values are padded to whole vectors, of at most this many numbers.
constexpr std::size_t kLanes = 16;
std::size_t padded(std::size_t d_head) { return (d_head + kLanes - 1) / kLanes * kLanes; }

// Count of numbers of one text of this length in a block's clean run, in the layout for attention.
std::size_t key_value_numbers(const AttentionSpec& attention, std::size_t positions) {
  return 2 * attention.kv_heads * (positions + kLanes) * padded(attention.d_head);
}

// Count of numbers of a row of a clean run that edited runs may read.
std::size_t kept_numbers(const BlockSpec& block, std::size_t d_model) {
  const std::size_t q_and_k = block.attention.queries_width() + block.attention.keys_width();
  return slot_numbers(block, d_model) + block.mlp.width + 2 * q_and_k;
}

template <class Number>
std::size_t most_of(const ModelConfig& config, const Number& number) {
  std::size_t most = 0;
  for (const BlockSpec& block : config.blocks) most = std::max(most, number(block));
  return most;
}

}  // namespace

ConeCost& ConeCost::operator+=(const ConeCost& other) {
  operations += other.operations;
  full_operations += other.full_operations;
  texts += other.texts;
  clean_rows += other.clean_rows;
  clean_logit_rows += other.clean_logit_rows;
  runs += other.runs;
  edits += other.edits;
  live_rows += other.live_rows;
  block_rows += other.block_rows;
  logit_rows += other.logit_rows;
  largest_run = std::max(largest_run, other.largest_run);
  longest = std::max(longest, other.longest);
  most_asked = std::max(most_asked, other.most_asked);
  edits_mlp_pre |= other.edits_mlp_pre;
  edits_scores |= other.edits_scores;
  edits_heads |= other.edits_heads;
  return *this;
}

std::size_t ConeCost::bytes(const ModelConfig& config, std::size_t rows_at_once, int threads) const {
  constexpr std::size_t kMatmulRows = 48, kResultRows = 96, kWords = 32;
  const std::size_t d = config.d_model, workers = static_cast<std::size_t>(threads);
  const std::size_t heads = config.n_heads(), head = padded(config.d_head()), keys = longest + kLanes;
  // Between blocks: the residual stream of clean and edited runs, and the descriptions of edited runs.
  std::size_t numbers = (clean_rows + live_rows) * d;
  const std::size_t words = kWords * (runs + edits + texts) + 4 * (clean_rows + live_rows + block_rows);
  // In a block: the clean runs with their keys and values, and one batch; a product may copy its input.
  const std::size_t batch_rows = std::max(largest_run, std::min(block_rows, rows_at_once));
  const std::size_t widest = slot_numbers(config);
  numbers +=
      clean_rows * (widest + (edits_mlp_pre ? config.d_mlp() : 0)) + most_of(config, [&](const BlockSpec& block) {
        return key_value_numbers(block.attention, clean_rows) + texts * key_value_numbers(block.attention, 0);
      });
  numbers += batch_rows * widest + 2 * std::max(batch_rows, clean_rows) * config.d_mlp();
  // Attention: a run's own keys and values, and score rows, on each thread.
  numbers += workers * (edits_scores ? heads : 1) * (2 * keys * head + kQueryRows * (keys + head));
  if (edits_heads) numbers += 2 * kResultRows * heads * d + 2 * (d + kResultRows) * heads * config.d_head();
  // Logits: those of the clean runs are kept; those of edited runs exist for some at a time, with padded ones on each
  // thread.
  const std::size_t logits =
      std::max(most_asked, std::min(kRowsPerUnembedding, std::max(logit_rows, clean_logit_rows)));
  numbers +=
      (clean_logit_rows + logits + workers * (kMatmulRows + (most_asked > 1 ? most_asked : 0))) * config.d_vocab +
      logits * widest;
  return numbers * sizeof(float) + words * sizeof(std::size_t);
}

ConeCost cost_of_text(std::size_t positions, std::size_t first_asked, const ModelConfig& config) {
  ConeCost cost;
  for (std::size_t layer = 0; layer < config.n_layers(); ++layer)
    for (std::size_t p = 0; p < positions; ++p)
      cost.operations += operations_of({p, Hook::resid_pre, p < asked_in(layer, first_asked, config)},
                                       config.blocks[layer], config.d_model);
  cost.operations += logit_operations(positions - first_asked, config);
  cost.full_operations = cost.operations;
  cost.texts = 1;
  cost.clean_rows = cost.longest = positions;
  cost.clean_logit_rows = cost.most_asked = positions - first_asked;
  return cost;
}

std::size_t kept_bytes_of_text(std::size_t positions, std::size_t first_asked, const ModelConfig& config) {
  std::size_t numbers = (positions - first_asked) * config.d_vocab;
  for (const BlockSpec& block : config.blocks)
    numbers += positions * kept_numbers(block, config.d_model) + key_value_numbers(block.attention, positions);
  return sizeof(float) * numbers;
}

ConeCost cost_of_run(const ConeRun& run, std::size_t positions, std::size_t first_asked, const ModelConfig& config) {
  ConeCost cost;
  std::vector<std::size_t> live = embedded_rows(run);
  cost.live_rows = live.size();
  for (std::size_t layer = 0; layer < config.n_layers(); ++layer) {
    const BlockSpec& block = config.blocks[layer];
    const ConeRows cone = cone_rows(run, layer, block, live, positions, asked_in(layer, first_asked, config));
    for (const ConeRow& row : cone.rows) cost.operations += operations_of(row, block, config.d_model);
    cost.operations +=
        static_cast<double>(rows_with_edited_results(run, layer, cone)) * row_operations(block, config.d_model).o;
    live = cone.left();
    cost.live_rows = std::max(cost.live_rows, live.size());
    cost.block_rows = std::max(cost.block_rows, cone.rows.size());
  }
  cost.logit_rows = unembedded_rows(run, live, first_asked).size();
  cost.operations += logit_operations(cost.logit_rows, config);
  cost.full_operations = cost_of_text(positions, first_asked, config).full_operations;
  cost.largest_run = cost.block_rows;
  cost.runs = 1;
  cost.edits = run.edits.size();
  cost.longest = positions;
  for (const HookEdit& edit : run.edits) {
    cost.edits_mlp_pre |= edit.at.hook == Hook::mlp_pre;
    cost.edits_scores |= edit.at.hook == Hook::attn_scores || edit.at.hook == Hook::pattern;
    cost.edits_heads |= edit.at.hook == Hook::result;
  }
  return cost;
}

ConeCost cost_of(const ConeRequest& request, const ModelConfig& config) {
  ConeCost cost;
  for (std::size_t t = 0; t < request.texts.size(); ++t)
    cost += cost_of_text(request.texts[t].size(), request.first_asked[t], config);
  for (const ConeRun& run : request.runs)
    cost += cost_of_run(run, request.texts[run.text].size(), request.first_asked[run.text], config);
  return cost;
}

}  // namespace stratoscope
