// Writes answers to a connection.
#pragma once

#include "apps/server/http/connection.h"
#include "apps/server/http/message.h"

namespace stratoscope::server {

// To a request with `method`. A stream's pieces go out as chunks (as they are, with the connection's end, to HTTP/1.0).
// Returns false when the client does not take it, or the connection has to end with it. Connection::is_last() is said
// in the head.
bool write_response(Connection& connection, const Response& response, const std::string& method, bool http_1_0);

}  // namespace stratoscope::server
