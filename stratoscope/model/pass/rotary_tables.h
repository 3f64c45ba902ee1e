// The angles of rotary position embeddings, for the positions of a pass.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "stratoscope/families/model_config.h"
#include "stratoscope/ops/rotary.h"

namespace stratoscope {

// position * base^(-2 pair / dims)
double rotary_angle(const Rotary& rotary, std::size_t position, std::size_t pair);

class RotaryTables {
 public:
  // A table for each kind of rotation in the model; row i is of positions[i].
  RotaryTables(const ModelConfig& config, std::span<const std::size_t> positions);
  // One of the model's kinds.
  const RotaryTable& of(const Rotary& rotary) const;

 private:
  std::vector<std::pair<Rotary, RotaryTable>> tables_;
};

}  // namespace stratoscope
