// A conversation with an HttpServer over a pair of sockets, in one thread: bytes in, bytes out.
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

namespace stratoscope::server::talking {

// What the server answers to a client that sends the bytes, which must fit into the socket's buffers. One that
// `listens` is not gone afterwards, so that its last request must say "Connection: close".
inline std::string answers_to(HttpServer& server, std::string_view bytes, bool listens = false) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
  if (::send(ends[0], bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  if (!listens) ::shutdown(ends[0], SHUT_WR);
  std::string answers;
  std::thread reader([&answers, socket = ends[0]] {
    std::array<char, 65536> piece{};
    for (ssize_t count = 0; (count = ::recv(socket, piece.data(), piece.size(), 0)) > 0;)
      answers.append(piece.data(), static_cast<std::size_t>(count));
  });
  server.talk(ends[1]);
  reader.join();
  ::close(ends[0]);
  return answers;
}

struct ReadAnswer {
  int status = 0;
  std::string head, body;
  bool closes = false;
};
// Answers one by one, each with a length or of chunks; to HEAD ("X-Method: HEAD", or the last one) without a body.
// Throws std::runtime_error for what is no answer.
std::vector<ReadAnswer> read_answers(std::string_view bytes);

}  // namespace stratoscope::server::talking
