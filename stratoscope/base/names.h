// Names that come from users and files, as error messages show them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

// The text fit for a terminal: what would command it (control characters, those that turn the direction of writing,
// line separators) and bytes that are no UTF-8 are written as \xNN, byte by byte. The ASCII characters of `kept` stay.
std::string without_controls(std::string_view text, std::string_view kept = "");

// The text in at most `most` bytes, at least 8: what is too long loses its middle, for which "…" stands.
std::string shortened(std::string_view text, std::size_t most);

// The text in single quotes, fit for one line of a terminal as above; what is longer than 80 bytes is cut (at a
// character's beginning) and ends in "…".
std::string in_quotes(std::string_view text);

// Up to `count` of the candidates that look most like `name` (few letters to change, nearest first); none when
// nothing is near.
std::vector<std::string> nearest_names(std::string_view name, const std::vector<std::string>& candidates,
                                       std::size_t count = 3);

// "did you mean 'a', 'b' or 'c'?", or nothing when no candidate is near: a hint for an Error.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace stratoscope
