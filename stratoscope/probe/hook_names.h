// The names that a user may write for a hook point: its own name, a Hugging Face path, a shorthand of the field, or a
// glob.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/model/hook_points.h"

namespace STRATOSCOPE_API stratoscope {

// The hook points that a name matches. A shorthand such as L5H3 also selects heads.
struct HookMatch {
  std::vector<HookPoint> points;                       // in firing order
  std::optional<std::vector<std::size_t>> heads = {};  // ascending
  bool is_glob = false;                                // may match several hook points
};

// A glob matches any name of a hook point: '*' is any text, '?' one character. A list of indices may stand in place of
// a number: blocks.[8..11].hook_mlp_out, L[0,2:5]H[-1]. Negative numbers count from the end. Shorthands: resid_post.5
// (short name and block), L5H3 (hook_z of one head), L5H3.pattern (another point of that head). Throws Error for an
// unknown name (with the nearest ones), a block or head out of range (with the range), an invalid list, a glob without
// a match, and Hugging Face modules whose output is not a hook point.
HookMatch match_hook(std::string_view pattern, const ModelConfig& config);
// The matching hook points, without heads.
std::vector<HookPoint> match_hook_points(std::string_view pattern, const ModelConfig& config);

// The glob over all blocks for the name of a hook without its block, or the last part of it if only one hook has it
// ("attn.hook_q", "hook_q"); any other text unchanged. Throws Error for a last part that several hooks have.
std::string in_all_blocks(std::string_view name);

// Whether a name with this beginning continues with a number, in place of which a list may stand.
bool takes_index_list(std::string_view beginning);

// The matches of a glob in a model.
struct GlobMatch {
  std::string expression;
  std::vector<HookPoint> points;
};

// All names of a hook point except globs: its own name, then Hugging Face's paths, then the shorthands.
std::vector<std::string> spellings_of(HookPoint point, const ModelConfig& config);

}  // namespace stratoscope
