// Writes responses to a connection.
#pragma once

#include "apps/server/http/connection.h"
#include "apps/server/http/message.h"

namespace stratoscope::server {

// Responds to a request with `method`. A stream is sent in chunks, or for HTTP/1.0 unframed until the connection
// closes. Returns false when the client does not accept the response or a stream fails. The head has "Connection:
// close" where Connection::is_last().
bool write_response(Connection& connection, const Response& response, const std::string& method, bool http_1_0);

}  // namespace stratoscope::server
