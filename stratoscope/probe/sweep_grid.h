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
  std::vector<std::string> values = {};  // the texts that replace {name}
};

// "layer=all", "position=0:3,-1", "factor=0,0.5,1", "dim=0..11". layer, position, head and key are index lists for this
// model and text; other names take texts between commas, where a..b is a range of integers. Throws Error for an empty
// list, an invalid name (letters, digits and '_' are valid; value, clean, kl, max_change and prompt are reserved) and
// an index out of range. The number of heads is that of the hook points whose edits use the axis, since keys and values
// may have fewer heads.
SweepAxis parse_axis(std::string_view text, const ModelConfig& config, std::size_t positions,
                     std::span<const std::string> edits = {});

class SweepGrid {
 public:
  // Throws Error for a placeholder without axis, an axis that no template uses, and more than a million points.
  SweepGrid(std::span<const std::string> edits, std::span<const SweepAxis> axes);

  // Row-major over the axes, the last one fastest.
  std::size_t points() const { return points_; }
  // The edits of a grid point, with placeholders replaced.
  std::vector<EditExpression> edits_at(std::size_t point) const;
  // One edit for each hook and source, over all points.
  std::vector<EditExpression> edits_that_read_other_runs() const;

 private:
  std::vector<EditExpression> fill(std::size_t point, std::set<std::string>& used) const;

  std::vector<std::string> edits_;
  std::vector<SweepAxis> axes_;
  std::size_t points_ = 1;
};

}  // namespace stratoscope
