// Where edits make a NaN or an infinity.
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

// "blocks.3.ln2.hook_normalized, position 4"; of several texts also "text 2", counted from 1.
std::string describe(const NonfinitePlace& place, std::size_t texts = 1);

// Whether any number is NaN or infinite, but for -inf in scores, which are of unseen keys.
template <class T>
STRATOSCOPE_API bool has_nonfinite(const Run<T>& run);

// The first hook point in firing order, and there the first position, where the pass with the request's edits holds a
// number that is not finite and the pass without them holds a finite one; nothing where there is none. Runs both
// passes again, block by block: for the rare case that a result is not finite. Captures and cache are not looked at.
std::optional<NonfinitePlace> first_nonfinite(const Model& model, const RunRequest& request);

}  // namespace stratoscope
