// The grid of a sweep: templates of edits with placeholders, and an axis for each placeholder.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/families/model_config.h"
#include "stratoscope/probe/edit_grammar.h"

namespace STRATOSCOPE_API stratoscope {

struct SweepAxis {
  std::string name = {};
  std::vector<std::string> values = {};  // what replaces {name}, as text
};

// "layer=all", "position=0:3,-1", "factor=0,0.5,1", "dim=0..11". layer, position and head are index lists of this
// model and text; other names take the pieces between the commas, whole-number ranges a..b spelled out. Throws Error
// for an empty list, a bad name (letters, digits, '_'; not what results are called: value, clean, kl, max_change,
// prompt) and an index out of range. Heads are those of the hook points whose edits use the axis: of keys and values a
// model may have fewer. "key" is an index list of positions.
SweepAxis parse_axis(std::string_view text, const ModelConfig& config, std::size_t positions,
                     std::span<const std::string> edits = {});

class SweepGrid {
 public:
  // Throws Error for a placeholder without axis, an axis that no template uses, and more points than a million.
  SweepGrid(std::span<const std::string> edits, std::span<const SweepAxis> axes);

  // Row-major over the axes, the last one fastest.
  std::size_t points() const { return points_; }
  // The edits that are made at a grid point, placeholders replaced.
  std::vector<EditExpression> edits_at(std::size_t point) const;
  // One for each hook and source, over all points.
  std::vector<EditExpression> edits_that_read_other_runs() const;

 private:
  std::vector<EditExpression> fill(std::size_t point, std::set<std::string>& used) const;

  std::vector<std::string> edits_;
  std::vector<SweepAxis> axes_;
  std::size_t points_ = 1;
};

}  // namespace stratoscope
