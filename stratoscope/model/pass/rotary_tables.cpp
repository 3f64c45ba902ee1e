#include "stratoscope/model/pass/rotary_tables.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "stratoscope/base/threads.h"

namespace stratoscope {
namespace {

// Angles in double: a float32 product has an error of 0.004 at position 100,000.
RotaryTable table_of(const Rotary& rotary, std::span<const TextPosition> positions) {
  const std::size_t pairs = rotary.dims / 2;
  std::map<std::size_t, std::vector<double>> turns;  // by length of the text
  for (const TextPosition& at : positions)
    if (!turns.contains(at.length)) turns.emplace(at.length, turns_of(rotary, at.length));
  const double magnitude = rotary.scaling.magnitude;
  RotaryTable table{Tensor({positions.size(), pairs}), Tensor({positions.size(), pairs})};
  parallel_for(positions.size(), [&](std::size_t row) {
    const std::vector<double>& turn = turns.at(positions[row].length);
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      const double angle = static_cast<double>(positions[row].position) * turn[pair];
      table.cos.matrix().row(row)[pair] = static_cast<float>(std::cos(angle) * magnitude);
      table.sin.matrix().row(row)[pair] = static_cast<float>(std::sin(angle) * magnitude);
    }
  });
  return table;
}

}  // namespace

RotaryTables::RotaryTables(const ModelConfig& config, std::span<const TextPosition> positions) {
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

bool turns_alike_at_all_lengths(const ModelConfig& config) {
  return std::none_of(config.blocks.begin(), config.blocks.end(),
                      [](const BlockSpec& block) { return turns_change_after(block.attention.rotary).has_value(); });
}

}  // namespace stratoscope
