// Two tokenisations side by side, to show where they differ.
#pragma once

#include <string>

#include "stratoscope/session/session.h"

namespace stratoscope {

// A line for each token, numbered on both sides. Tokens of the longest common subsequence share a line; between them
// the tokens of both sides fill lines from the top. This is the detail text of a LengthMismatch.
std::string side_by_side(const Text& text, const Text& corrupt);

}  // namespace stratoscope
