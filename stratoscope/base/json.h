// JSON from files and users: parsed with a bound on depth, errors in our own words.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace stratoscope {

// Throws Error(where, "source: …") with the byte offset for malformed JSON and for nesting deeper than 64.
nlohmann::json parse_json(std::string_view text, const std::string& where, const std::string& source);

}  // namespace stratoscope
