#include "stratoscope/model/pass/rotary_tables.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/base/threads.h"

namespace stratoscope {
namespace {

// Angles in double: a float32 product is off by 0.004 at position 100,000.
RotaryTable table_of(const Rotary& rotary, std::span<const std::size_t> positions) {
  const std::size_t pairs = rotary.dims / 2;
  RotaryTable table{Tensor({positions.size(), pairs}), Tensor({positions.size(), pairs})};
  parallel_for(positions.size(), [&](std::size_t row) {
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      const double angle = rotary_angle(rotary, positions[row], pair);
      table.cos.matrix().row(row)[pair] = static_cast<float>(std::cos(angle));
      table.sin.matrix().row(row)[pair] = static_cast<float>(std::sin(angle));
    }
  });
  return table;
}

}  // namespace

double rotary_angle(const Rotary& rotary, std::size_t position, std::size_t pair) {
  const double exponent = -2 * static_cast<double>(pair) / static_cast<double>(rotary.dims);
  return static_cast<double>(position) * std::pow(rotary.base, exponent);
}

RotaryTables::RotaryTables(const ModelConfig& config, std::span<const std::size_t> positions) {
  const auto is_known = [&](const Rotary& rotary) {
    return std::any_of(tables_.begin(), tables_.end(), [&](const auto& known) { return known.first == rotary; });
  };
  for (const BlockSpec& block : config.blocks) {
    const Rotary& rotary = block.attention.rotary;
    if (rotary.dims > 0 && !is_known(rotary)) tables_.emplace_back(rotary, table_of(rotary, positions));
  }
}

const RotaryTable& RotaryTables::of(const Rotary& rotary) const {
  return std::find_if(tables_.begin(), tables_.end(), [&](const auto& table) { return table.first == rotary; })->second;
}

}  // namespace stratoscope
