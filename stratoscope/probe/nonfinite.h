// Finds the place where edits cause a NaN or an infinity.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "stratoscope/base/api.h"
#include "stratoscope/model/model.h"

namespace STRATOSCOPE_API stratoscope {

struct NonfinitePlace {
  HookPoint at = {};
  std::size_t sequence = 0;  // of the request
  std::size_t position = 0;  // in that text

  bool operator==(const NonfinitePlace&) const = default;
};

// "blocks.3.ln2.hook_normalized, position 4"; with several texts also "text 2", counted from 1.
std::string describe(const NonfinitePlace& place, std::size_t texts = 1);

// Whether a number is NaN or infinite, except for -inf in scores (masked keys).
template <class T>
STRATOSCOPE_API bool has_nonfinite(const Run<T>& run);

// The first hook point in firing order, and its first position, where the edited pass has a number that is not finite
// and the clean pass a finite one. Runs both passes again, block by block, since it is rarely needed. Ignores captures
// and cache of the request.
std::optional<NonfinitePlace> first_nonfinite(const Model& model, const RunRequest& request);

}  // namespace stratoscope
