// JSON from files and users: parsed with a bound on depth, errors in our own words, in time that grows with its length,
// until somebody wants to stop (base/cancellation.h). Of a key that occurs twice the last value counts.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace stratoscope {

// Throws Error(where, "source: …") with the byte offset for malformed JSON, for nesting deeper than 64, and for more
// than `most` values: a value takes ten times the memory of its shortest text.
nlohmann::json parse_json(std::string_view text, const std::string& where, const std::string& source,
                          std::size_t most = static_cast<std::size_t>(-1));

// The same with keys in the order of the text.
nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& where, const std::string& source,
                                          std::size_t most = static_cast<std::size_t>(-1));

}  // namespace stratoscope
