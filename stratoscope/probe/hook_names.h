// What a user may write for a hook point: its own name, a Hugging Face path, the field's shorthand, or a glob over
// them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/model/hook_points.h"

namespace STRATOSCOPE_API stratoscope {

// What a name means. Shorthand such as L5H3 names heads of its hook points.
struct HookMatch {
  std::vector<HookPoint> points;                       // in firing order
  std::optional<std::vector<std::size_t>> heads = {};  // ascending
  bool is_glob = false;                                // may mean several hook points
};

// A glob matches every spelling of a hook point: '*' stands for any characters, '?' for one. A list of indices may
// stand in place of a number: blocks.[8..11].hook_mlp_out, L[0,2:5]H[-1]. Negative numbers count from the end.
// Shorthand: resid_post.5 (a point's short name and block), L5H3 (hook_z of one head), L5H3.pattern (another point of
// that head). Throws Error for an unknown name (with the nearest ones), a block or head out of range (with the range),
// a list that is none, a glob that matches nothing, and Hugging Face modules whose output is no hook point.
HookMatch match_hook(std::string_view pattern, const ModelConfig& config);
// The hook points alone.
std::vector<HookPoint> match_hook_points(std::string_view pattern, const ModelConfig& config);

// Whether after this beginning of a name a number comes, for which a list may stand.
bool takes_index_list(std::string_view beginning);

// What a glob of an edit or a capture means in a model.
struct GlobMatch {
  std::string expression;
  std::vector<HookPoint> points;
};

// Every spelling of a hook point but globs: its own name first, then Hugging Face's paths, then the shorthand.
std::vector<std::string> spellings_of(HookPoint point, const ModelConfig& config);

}  // namespace stratoscope
