#include "stratoscope/model/kv_cache.h"

#include <algorithm>

namespace stratoscope {

KvCache::KvCache(const ModelConfig& config, std::size_t sequences, std::size_t capacity)
    : capacity_(std::min(capacity, config.n_ctx)), lengths_(sequences, 0) {
  for (const BlockSpec& block : config.blocks)
    for (std::size_t s = 0; s < sequences; ++s) {
      keys_.emplace_back(Shape{capacity_, block.attention.keys_width()});
      values_.emplace_back(Shape{capacity_, block.attention.keys_width()});
    }
}

void KvCache::truncate(std::size_t sequence, std::size_t length) {
  lengths_[sequence] = std::min(lengths_[sequence], length);
}

void KvCache::write(std::size_t layer, std::size_t sequence, MatrixView<const float> k, MatrixView<const float> v) {
  const std::size_t index = layer * sequences() + sequence, first = lengths_[sequence];
  for (std::size_t r = 0; r < k.rows; ++r) {
    std::copy_n(k.row(r), k.cols, keys_[index].matrix().row(first + r));
    std::copy_n(v.row(r), v.cols, values_[index].matrix().row(first + r));
  }
}

MatrixView<const float> KvCache::keys(std::size_t layer, std::size_t sequence, std::size_t rows) const {
  return keys_[layer * sequences() + sequence].matrix().rows_from(0, rows);
}

MatrixView<const float> KvCache::values(std::size_t layer, std::size_t sequence, std::size_t rows) const {
  return values_[layer * sequences() + sequence].matrix().rows_from(0, rows);
}

}  // namespace stratoscope
