// A text that new tokens are to follow: of one that is too long its end counts, and room for them.
#pragma once

#include <cstddef>
#include <string_view>

#include "stratoscope/session/session.h"

namespace stratoscope {

// Session::read(), but where `options` allow to truncate, tokens are cut from the beginning (never the
// beginning-of-text token) until the model's context holds the text and `max_new` tokens more; half of the context is
// kept for more tokens than it holds. A note says how many were cut. Throws Error as Session::read() does.
Text read_to_continue(const Session& session, std::string_view bytes, const TextOptions& options, std::size_t max_new);

}  // namespace stratoscope
