// Untrusted JSON: an accepted text reads the same after it is written again, and is not deeper than the limit.
#include <nlohmann/json.hpp>

#include "stratoscope/base/json.h"
#include "tests/fuzz/fuzz.h"

namespace stratoscope {
namespace {

int depth_of(const nlohmann::json& value) {
  int deepest = 0;
  for (const auto& child : value)
    if (child.is_structured()) deepest = std::max(deepest, depth_of(child));
  return deepest + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = [](std::string_view text) { return parse_json(text, "json", "input"); };
  const auto json = fuzz::accepted([&] { return read(fuzz::as_text(data, size)); });
  if (!json) return 0;
  if (json->is_structured()) fuzz::require(depth_of(*json) <= 64, "depth is bounded");
  fuzz::require(read(json->dump()) == *json, "JSON written again reads the same");
  return 0;
}

}  // namespace stratoscope
