// Names from users and files, prepared for error messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

// The text made safe for a terminal: control characters, direction overrides, line separators and invalid UTF-8 are
// written as \xNN, byte by byte. The ASCII characters in `kept` stay.
std::string without_controls(std::string_view text, std::string_view kept = "");

// The text in at most `most` bytes, at least 8; "…" replaces the middle of a longer one.
std::string shortened(std::string_view text, std::size_t most);

// The text in single quotes, safe for one line of a terminal as above; after 80 bytes it is cut (at a character
// boundary) and ends in "…".
std::string in_quotes(std::string_view text);

// Up to `count` candidates with the smallest edit distance to `name`, nearest first; empty if none is near.
std::vector<std::string> nearest_names(std::string_view name, const std::vector<std::string>& candidates,
                                       std::size_t count = 3);

// "did you mean 'a', 'b' or 'c'?", or empty if no candidate is near: a hint for an Error.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace stratoscope
