// What a user may write for a hook point: its own name, a Hugging Face path, or a glob over the names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/model/hook_points.h"

namespace stratoscope {

// The sites that `pattern` means, in firing order. A glob matches names and Hugging Face paths
// alike: '*' stands for any characters, '?' for one, [0-3] for one of a range. Negative block numbers
// count from the end. Throws Error for an unknown name (with the nearest ones), a block out of range (with the range),
// a glob that matches nothing, and Hugging Face modules whose output is no hook point.
std::vector<Site> match_sites(std::string_view pattern, const ModelConfig& config);

}  // namespace stratoscope
