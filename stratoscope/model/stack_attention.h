// Causal attention of the rows of a stack. A cell's queries read the clean run's keys and values up to where its own
// begin, and then those.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/model/stack_values.h"

namespace stratoscope {

struct StackAttention {
  const ModelConfig& config;
  std::size_t layer = 0;
  const Stack& stack;
  StackValues& values;  // reads qkv, writes z

  // All rows of the clean runs; returns their keys and values by text and head.
  std::vector<HeadKeysValues> run_clean() const;
  // Returns the multiplications and additions that were done. Edits of scores and pattern act here.
  double run(const CleanBlock& clean) const;
};

}  // namespace stratoscope
