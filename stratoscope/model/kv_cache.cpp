#include "stratoscope/model/kv_cache.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace stratoscope {
namespace {

// Memory for `wanted` rows: at least half more than before, and at most `most`.
void make_room(Tensor& rows, std::size_t held, std::size_t wanted, std::size_t most) {
  const std::size_t room = rows.shape()[0], width = rows.shape()[1];
  if (wanted <= room) return;
  Tensor larger({std::min(most, std::max({wanted, room + room / 2, std::size_t{64}})), width});
  std::copy_n(rows.data(), held * width, larger.data());
  rows = std::move(larger);
}

}  // namespace

KvCache::KvCache(const ModelConfig& config, std::size_t sequences)
    : KvCache(config, sequences, std::numeric_limits<std::size_t>::max()) {}

KvCache::KvCache(const ModelConfig& config, std::size_t sequences, std::size_t capacity)
    : capacity_(std::min(capacity, config.longest_text().value_or(capacity))), lengths_(sequences, 0) {
  for (const BlockSpec& block : config.blocks)
    for (std::size_t s = 0; s < sequences; ++s) {
      keys_.emplace_back(Shape{0, block.attention.keys_width()});
      values_.emplace_back(Shape{0, block.attention.keys_width()});
    }
}

void KvCache::truncate(std::size_t sequence, std::size_t length) {
  lengths_[sequence] = std::min(lengths_[sequence], length);
}

void KvCache::write(std::size_t layer, std::size_t sequence, MatrixView<const float> k, MatrixView<const float> v) {
  const std::size_t index = layer * sequences() + sequence, first = lengths_[sequence];
  make_room(keys_[index], first, first + k.rows, capacity_);
  make_room(values_[index], first, first + v.rows, capacity_);
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
