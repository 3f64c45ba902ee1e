// The keys and values of positions from earlier runs, which a run can continue.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/families/model_config.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

// Belongs to the caller; one run at a time may use it. It has keys and values in the form that attention reads: edited,
// and keys after their norm and rotation.
class KvCache {
 public:
  // For at most `capacity` positions of each of `sequences` texts; memory grows with the stored positions.
  KvCache(const ModelConfig& config, std::size_t sequences, std::size_t capacity);
  // For as many positions as the model can read.
  explicit KvCache(const ModelConfig& config, std::size_t sequences = 1);

  std::size_t sequences() const { return lengths_.size(); }
  std::size_t capacity() const { return capacity_; }
  // Number of stored positions of a sequence.
  std::size_t length(std::size_t sequence) const { return lengths_[sequence]; }
  // Removes the positions from `length` on.
  void truncate(std::size_t sequence, std::size_t length);

  // For the engine: appends `k` and `v` [rows, kv_heads * d_head]; `advance` then counts them.
  void write(std::size_t layer, std::size_t sequence, MatrixView<const float> k, MatrixView<const float> v);
  // The first `rows` keys or values of a block.
  MatrixView<const float> keys(std::size_t layer, std::size_t sequence, std::size_t rows) const;
  MatrixView<const float> values(std::size_t layer, std::size_t sequence, std::size_t rows) const;
  // Counts rows that every block has written.
  void advance(std::size_t sequence, std::size_t rows) { lengths_[sequence] += rows; }

 private:
  std::size_t capacity_;
  std::vector<std::size_t> lengths_;
  std::vector<Tensor> keys_, values_;  // one per block and sequence, [allocated rows, kv_heads * d_head]
};

}  // namespace stratoscope
