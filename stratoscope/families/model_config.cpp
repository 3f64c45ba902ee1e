#include "stratoscope/families/model_config.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace stratoscope {
namespace {

template <class Count>
std::size_t most_of(const std::vector<BlockSpec>& blocks, Count count) {
  std::size_t most = 0;
  for (const BlockSpec& block : blocks) most = std::max(most, count(block));
  return most;
}

}  // namespace

std::optional<std::size_t> ModelConfig::longest_text() const {
  return learned_positions ? std::optional(n_ctx) : std::nullopt;
}

bool ModelConfig::rotates() const {
  return is_rotary || std::any_of(blocks.begin(), blocks.end(),
                                  [](const BlockSpec& block) { return block.attention.rotary.dims > 0; });
}

std::size_t ModelConfig::n_heads() const {
  return most_of(blocks, [](const BlockSpec& block) { return block.attention.heads; });
}

std::size_t ModelConfig::d_head() const {
  return most_of(blocks, [](const BlockSpec& block) { return block.attention.d_head; });
}

std::size_t ModelConfig::d_mlp() const {
  return most_of(blocks, [](const BlockSpec& block) { return block.mlp.width; });
}

// 2^(-8 i / n) for i from 1 to n, the largest power of two that is not above `heads`; the other heads have every second
// number of the same sequence for 2 n.
double slope_of(std::size_t head, std::size_t heads) {
  const std::size_t n = std::bit_floor(heads);
  const double step = -8.0 / static_cast<double>(n);
  return head < n ? std::exp2(step * static_cast<double>(head + 1))
                  : std::exp2(step / 2 * static_cast<double>(2 * (head - n) + 1));
}

}  // namespace stratoscope
