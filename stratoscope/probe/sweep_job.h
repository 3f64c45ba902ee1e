// The input of one call of a sweep: prompts, grid points and known results.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "stratoscope/probe/sweep.h"
#include "stratoscope/probe/sweep_prompt.h"

namespace stratoscope {

struct GridPoint {
  std::size_t prompt, index;
  bool operator==(const GridPoint&) const = default;
};

struct SweepJob {
  // Throws Error for invalid requests. All three must outlive this object.
  SweepJob(const Model& sweep_model, std::span<const SweepRequest> requests, const SweepOptions& sweep_options);

  const Model& model;
  const SweepOptions& options;
  Progress* progress;  // of the first request; may be null
  std::vector<std::unique_ptr<SweepPrompt>> prompts;
  std::size_t points = 0;  // of all prompts
  std::size_t known = 0;   // number of them with a known result

  std::optional<GridValue> known_result(GridPoint point) const;
};

}  // namespace stratoscope
