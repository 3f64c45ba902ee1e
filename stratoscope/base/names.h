// Names that come from users and files, as error messages show them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

// The text fit for one line of a terminal: control characters are written as \xNN, byte by byte.
std::string without_controls(std::string_view text);

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
