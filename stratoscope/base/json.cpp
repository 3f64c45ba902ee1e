#include "stratoscope/base/json.h"

#include <nlohmann/json.hpp>

#include "stratoscope/base/error.h"

namespace stratoscope {

nlohmann::json parse_json(std::string_view text, const std::string& where, const std::string& source) {
  using nlohmann::json;
  constexpr int kDeepest = 64;
  const auto depth_limit = [&](int depth, json::parse_event_t event, json&) {
    const bool opens = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth >= kDeepest)
      throw Error(where, source + ": is JSON nested deeper than " + std::to_string(kDeepest));
    return true;
  };
  try {
    return json::parse(text, depth_limit);
  } catch (const json::parse_error& error) {
    throw Error(where, source + ": is not JSON: something is wrong at byte " + std::to_string(error.byte));
  } catch (const json::exception& error) {  // numbers out of range and the like
    throw Error(where, source + ": is not usable JSON: " + error.what());
  }
}

}  // namespace stratoscope
