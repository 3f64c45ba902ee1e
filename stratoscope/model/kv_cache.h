// The keys and values of positions that were run before, so that a run can go on after them.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/families/model_config.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

// Belongs to the caller; one run at a time may use it. It holds keys and values as attention reads
// them: edited, and keys after their norm and rotation.
class KvCache {
 public:
  // For at most `capacity` positions of each of `sequences` texts; memory grows with what is held.
  KvCache(const ModelConfig& config, std::size_t sequences, std::size_t capacity);
  // For as many as the model can read.
  explicit KvCache(const ModelConfig& config, std::size_t sequences = 1);

  std::size_t sequences() const { return lengths_.size(); }
  std::size_t capacity() const { return capacity_; }
  // Positions that are held of a sequence.
  std::size_t length(std::size_t sequence) const { return lengths_[sequence]; }
  // Forgets the positions from `length` on.
  void truncate(std::size_t sequence, std::size_t length);

  // For the engine: copies `k` and `v` [rows, kv_heads * d_head] after what is held, without counting them yet.
  void write(std::size_t layer, std::size_t sequence, MatrixView<const float> k, MatrixView<const float> v);
  // The first `rows` keys or values of a block.
  MatrixView<const float> keys(std::size_t layer, std::size_t sequence, std::size_t rows) const;
  MatrixView<const float> values(std::size_t layer, std::size_t sequence, std::size_t rows) const;
  // Counts rows that every block has written.
  void advance(std::size_t sequence, std::size_t rows) { lengths_[sequence] += rows; }

 private:
  std::size_t capacity_;
  std::vector<std::size_t> lengths_;
  std::vector<Tensor> keys_, values_;  // one per block and sequence, [room so far, kv_heads * d_head]
};

}  // namespace stratoscope
