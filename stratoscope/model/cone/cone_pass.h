// The steps of a block for the rows of a batch. Two rules define the cone: the range of rows is extended by the rows
// that enter at each hook, and if a value is read for rows that entered after it was computed, these rows are copied
// from the clean run.
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

// The data that all passes of a request share.
struct ConeContext {
  const Checkpoint& checkpoint;
  const ModelConfig& config;
  const Weights& weights;
  const ConeRequest& request;
  RotaryTables tables;
  std::vector<std::size_t> first_table_rows;  // of each text's first position
};

// The buffers of all passes of a request. They are kept from block to block and grow in few steps: freeing and
// allocating them again would leave them scattered among the allocations of edited runs.
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

// The values of a block, by serial number, that runs with rows entering at these hooks read from the clean run. They
// are found by a run of the block without rows.
std::set<std::size_t> values_read_from_clean(const ConeContext& context, std::size_t layer,
                                             const std::set<Hook>& entries);

// All batches of one block, or of the steps before or after the blocks.
class ConePass {
 public:
  ConePass(const ConeContext& context, ConeMemory& memory, std::size_t layer)
      : context_(context), memory_(memory), layer_(layer) {}

  // Runs the rows of clean.entering through the block, and stores the values of these serial numbers.
  void run_clean(CleanBlock& clean, const std::set<std::size_t>& kept);
  // `entering` has the rows that have entered at resid_pre. Returns the output [rows, d_model], undefined for rows with
  // only keys and values.
  MatrixView<const float> run(const ConeBatch& batch, MatrixView<float> entering, const CleanBlock& clean);

  // The steps before and after the blocks: all rows of a batch enter at the beginning.
  Tensor embedded(const ConeBatch& batch);
  Tensor logits(const ConeBatch& batch, MatrixView<float> entering);

  // Memory for the entering rows, of at least this batch; the same at every call.
  MatrixView<float> entering(const ConeBatch& batch) {
    return memory_.take(Slot::resid, batch.size(), context_.config.d_model);
  }

  double operations() const { return operations_; }

 private:
  friend class BatchRows;

  const ConeContext& context_;
  ConeMemory& memory_;
  std::size_t layer_;
  std::optional<HeadResults> head_results_;  // made at the first edit of attn.hook_result
  double operations_ = 0;
};

}  // namespace stratoscope
