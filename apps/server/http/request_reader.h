// Reads requests from a connection. The head is bounded and checked before a byte of the body is read.
#pragma once

#include <functional>

#include "apps/server/http/connection.h"
#include "apps/server/http/message.h"

namespace stratoscope::server {

// Waits for a whole head, gives it to `check`, and then reads the body. Returns nothing when the client is gone or took
// too long. Throws Refusal for what is no HTTP (400, 501), and over a limit (413, 431), and what `check` throws; then
// the rest of the request is unread, and the connection must be closed. `keep_alive` says whether another request may
// follow.
std::optional<Request> read_request(Connection& connection, const std::function<void(Request& head)>& check,
                                    bool& keep_alive);

}  // namespace stratoscope::server
