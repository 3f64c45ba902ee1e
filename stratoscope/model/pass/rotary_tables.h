// The angles of rotary position embeddings, for the positions of a pass.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "stratoscope/families/model_config.h"
#include "stratoscope/ops/rotary.h"

namespace stratoscope {

// A position in a text of a given number of tokens.
struct TextPosition {
  std::size_t position = 0, length = 0;
};

class RotaryTables {
 public:
  // A table for each kind of rotation in the model; row i is for positions[i].
  RotaryTables(const ModelConfig& config, std::span<const TextPosition> positions);
  // The table of one of the model's kinds.
  const RotaryTable& of(const Rotary& rotary) const;

 private:
  std::vector<std::pair<Rotary, RotaryTable>> tables_;
};

// Whether a position has the same rotation in all texts, whatever their length.
bool turns_alike_at_all_lengths(const ModelConfig& config);

}  // namespace stratoscope
