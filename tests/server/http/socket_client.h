// A client of an HttpServer over a pair of sockets.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "apps/server/http/http_server.h"

namespace stratoscope::server::client {

// The responses to a client that sends the bytes, which must fit into the buffers of the socket. With `stays_connected`
// the client does not close its side, so that its last request must have "Connection: close".
inline std::string responses_to(HttpServer& server, std::string_view bytes, bool stays_connected = false) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
  if (::send(ends[0], bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  if (!stays_connected) ::shutdown(ends[0], SHUT_WR);
  std::string responses;
  std::thread reader([&responses, socket = ends[0]] {
    std::array<char, 65536> piece{};
    for (ssize_t count = 0; (count = ::recv(socket, piece.data(), piece.size(), 0)) > 0;)
      responses.append(piece.data(), static_cast<std::size_t>(count));
  });
  server.serve_connection(ends[1]);
  reader.join();
  ::close(ends[0]);
  return responses;
}

struct ReadResponse {
  int status = 0;
  std::string head, body;
  bool closes = false;
};
// Parses responses with a Content-Length or in chunks; a response to HEAD ("X-Method: HEAD", or the last one) has no
// body. Throws std::runtime_error for other bytes.
std::vector<ReadResponse> read_responses(std::string_view bytes);

}  // namespace stratoscope::server::client
