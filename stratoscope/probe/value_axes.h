// The layout of a hook point's value as [pos, head or 1, last axis] or [head, pos, key].
#pragma once

#include <cstddef>

#include "stratoscope/model/hook_points.h"

namespace stratoscope {

struct ValueAxes {
  // For one or all positions.
  ValueAxes(HookPoint point, const ModelConfig& config, std::size_t positions)
      : has_keys(stratoscope::has_axis(point, HookAxis::key, config)),
        pos(has_keys ? 1 : 0),
        head(has_keys ? 0 : 1),
        heads(heads_of(point, config)),
        last(shape_of(point, config, positions).back()) {}

  bool has_keys;
  std::size_t pos, head;    // the indices of these axes
  std::size_t heads, last;  // their lengths
};

}  // namespace stratoscope
