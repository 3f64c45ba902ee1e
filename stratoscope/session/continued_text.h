// A text that will be continued by new tokens: if it is too long, its end is kept, with room for the new tokens.
#pragma once

#include <cstddef>

#include "stratoscope/session/session.h"

namespace stratoscope {

// Session::read(), but if `options` allow truncation, tokens are cut from the beginning (never the beginning-of-text
// token) until the model's context holds the text and `max_new` more tokens. If `max_new` is too large for that, half
// of the context is kept for the text. A note has the number of cut tokens. Throws Error as Session::read() does.
Text read_to_continue(const Session& session, const TextInput& input, const TextOptions& options, std::size_t max_new);

}  // namespace stratoscope
