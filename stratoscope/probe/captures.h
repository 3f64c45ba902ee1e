// Captures as users write them: hook points with optional positions and heads.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/model/run.h"
#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/probe/hook_names.h"

namespace STRATOSCOPE_API stratoscope {

class CaptureList {
 public:
  // Each expression is a name, alias or glob, with optional positions and heads: "blocks.*.attn.hook_pattern[-1]",
  // "L5H3.pattern". The same hook point may be named twice if both mean the same part. Throws Error for an unknown
  // name, a selector without its axis, a head out of range, and .key and .dim, which captures do not take. `part`, if
  // given, is a part of a pass: a glob then matches only the hook points that it computes.
  CaptureList(const std::vector<HookExpression>& expressions, const ModelConfig& config,
              const RunRequest* part = nullptr);

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
    std::optional<IndexList> positions;
    std::optional<std::vector<std::size_t>> heads;
  };
  std::vector<Item> items_;
  std::vector<GlobMatch> globs_;
};

}  // namespace stratoscope
