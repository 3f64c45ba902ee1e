// Reads requests from a connection. The head is bounded and checked before the body is read.
#pragma once

#include <functional>

#include "apps/server/http/connection.h"
#include "apps/server/http/message.h"

namespace stratoscope::server {

// Reads a head, calls `check` with it, then reads the body. Returns nullopt when the client has disconnected or exceeds
// a time limit. Throws HttpError for invalid HTTP (400, 501) and over a limit (413, 431), and the exceptions of
// `check`; then the rest of the request is unread, and the connection must be closed. `keep_alive`: another request may
// follow.
std::optional<Request> read_request(Connection& connection, const std::function<void(Request& head)>& check,
                                    bool& keep_alive);

}  // namespace stratoscope::server
