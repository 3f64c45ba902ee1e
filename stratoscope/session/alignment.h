// Two tokenisations beside one another, so that one sees where they part.
#pragma once

#include <string>

#include "stratoscope/session/session.h"

namespace stratoscope {

// A line for each token, numbered on both sides. Tokens of the longest common subsequence share a
// line; between them those of both sides fill lines from the top. What a LengthMismatch shows.
std::string side_by_side(const Text& text, const Text& corrupt);

}  // namespace stratoscope
