// Captures as users write them: hook points with optional positions and heads.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/model/run.h"
#include "stratoscope/probe/hook_names.h"

namespace STRATOSCOPE_API stratoscope {

class CaptureList {
 public:
  // Each expression is a name, alias or glob with optional positions and heads: "blocks.*.attn.hook_pattern[-1]",
  // "L5H3.pattern". A hook point may occur twice if both expressions select the same part. Throws Error for an unknown
  // name, a selector for an axis that the hook point does not have, a head out of range, and the selectors .key and
  // .dim. With `part`, a part of a pass, a glob matches only the hook points of that part.
  CaptureList(const std::vector<std::string>& expressions, const ModelConfig& config, const RunRequest* part = nullptr);

  bool empty() const { return items_.empty(); }
  // The expressions that may match several hook points, with their matches.
  const std::vector<GlobMatch>& globs() const { return globs_; }
  // In firing order.
  std::vector<HookPoint> points() const;
  // For texts that are concatenated; positions count within each text. Throws Error for a position out of range.
  std::vector<Capture> of_texts(std::span<const std::size_t> row_offsets) const;

 private:
  struct Item {
    HookPoint at;
    std::optional<std::string> positions;
    std::optional<std::vector<std::size_t>> heads;
  };
  std::vector<Item> items_;
  std::vector<GlobMatch> globs_;
};

}  // namespace stratoscope
