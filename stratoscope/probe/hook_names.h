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

// What a name means. Shorthand such as L5H3 names one head of its site.
struct HookMatch {
  std::vector<Site> sites;  // in firing order
  std::optional<std::size_t> head;
  bool is_glob = false;
};

// A glob matches every spelling of a site: '*' stands for any characters, '?' for one, [0-3] for one of a range.
// Negative block numbers count from the end. Shorthand: resid_post.5 (a point's short name and block), L5H3 (hook_z of
// one head), L5H3.pattern (another point of that head). Throws Error for an unknown name (with the nearest ones), a
// block or head out of range (with the range), a glob that matches nothing, and Hugging Face modules whose output is no
// hook point.
HookMatch match_hook(std::string_view pattern, const ModelConfig& config);
// The sites alone.
std::vector<Site> match_sites(std::string_view pattern, const ModelConfig& config);

// Every spelling of a site but globs: its own name first, then Hugging Face's paths, then the shorthand.
std::vector<std::string> spellings_of(Site site, const ModelConfig& config);

}  // namespace stratoscope
