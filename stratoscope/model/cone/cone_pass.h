// The steps of a block for the rows of a batch. Two rules make the cone: the range of rows takes in those that enter at
// each hook, and a value that is read for rows that entered after it was made takes them from the clean run.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "stratoscope/hub/checkpoint.h"
#include "stratoscope/model/cone/clean_block.h"
#include "stratoscope/model/cone/cone_batch.h"
#include "stratoscope/model/pass/head_results.h"
#include "stratoscope/model/pass/slot_memory.h"
#include "stratoscope/model/pass/weights.h"

namespace stratoscope {

// What all passes of a request share.
struct ConeContext {
  const Checkpoint& checkpoint;
  const ModelConfig& config;
  const Weights& weights;
  const ConeRequest& request;
  RotaryTables tables;
  std::vector<std::size_t> first_table_rows;  // of each text's first position
};

// The buffers of all passes of a request. They stay from block to block, and room grows in few steps: memory that is
// given back and taken anew would lie scattered between what edited runs hold.
class ConeMemory {
 public:
  explicit ConeMemory(std::size_t rows_at_once) : rows_at_once_(rows_at_once) {}

  MatrixView<float> take(Slot slot, std::size_t rows, std::size_t width) {
    if (rows > room_) room_ = std::max(rows, std::min(rows_at_once_, 2 * room_));
    return slots_.take(slot, room_, width).rows_from(0, rows);
  }

 private:
  SlotMemory slots_;
  std::size_t rows_at_once_, room_ = 0;  // rows of each slot
};

// The values of a block, by serial number, that runs whose rows enter at these hooks read from the clean run. Found by
// carrying the block out for no rows.
std::set<std::size_t> values_read_from_clean(const ConeContext& context, std::size_t layer,
                                             const std::set<Hook>& entries);

// All batches of one block or end.
class ConePass {
 public:
  ConePass(const ConeContext& context, ConeMemory& memory, std::size_t layer)
      : context_(context), memory_(memory), layer_(layer) {}

  // Fills clean.entering's rows through the block, and keeps the values of these serial numbers.
  void run_clean(CleanBlock& clean, const std::set<std::size_t>& kept);
  // `entering` holds the rows that have entered at resid_pre; gives [rows, d_model] of what leaves, undefined for rows
  // that give keys alone.
  MatrixView<const float> run(const ConeBatch& batch, MatrixView<float> entering, const CleanBlock& clean);

  // The ends: rows of a batch that all enter at the beginning.
  Tensor embedded(const ConeBatch& batch);
  Tensor logits(const ConeBatch& batch, MatrixView<float> entering);

  // Memory for the rows that enter, of at least this batch; the same at every call.
  MatrixView<float> entering(const ConeBatch& batch) {
    return memory_.take(Slot::resid, batch.size(), context_.config.d_model);
  }

  double operations() const { return operations_; }

 private:
  friend class BatchRows;

  const ConeContext& context_;
  ConeMemory& memory_;
  std::size_t layer_;
  std::optional<HeadResults> head_results_;  // made when an edit of attn.hook_result is met
  double operations_ = 0;
};

}  // namespace stratoscope
