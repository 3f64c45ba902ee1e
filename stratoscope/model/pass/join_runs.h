// Concatenates the values of several runs along the pos axis.
#pragma once

#include <cstddef>
#include <vector>

#include "stratoscope/model/run.h"

namespace stratoscope {

// Copies `part` into `whole` along the axis `pos_axis`, its first entry to entry `first`. Both have the same axes
// otherwise; the last axis of `part` may be shorter (keys that came later).
template <class T>
void place_rows(const BasicTensor<T>& part, BasicTensor<T>& whole, std::size_t pos_axis, std::size_t first);

// 0, or 1 for scores and patterns.
std::size_t pos_axis_of(HookPoint point);

// The runs of consecutive pieces of one text, as one run of the whole text. Every piece captured the same hook points
// with the same heads, of any rows; logits are those of all rows in every piece, or absent.
template <class T>
Run<T> join_runs(const std::vector<Run<T>>& pieces, const ModelConfig& config);

}  // namespace stratoscope
