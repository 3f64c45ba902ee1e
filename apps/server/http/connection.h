// A client's socket with time limits for receiving a request and for sending a response. It detects a client that
// disconnects while its request is served.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "apps/server/http/stop_signal.h"
#include "apps/server/limits.h"

namespace stratoscope::server {

class Connection {
 public:
  // Takes ownership of the socket.
  Connection(int socket, const StopSignal& stop);
  ~Connection();  // closes the socket when the client has received the last response
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // True when a request begins, whose time limit starts now; false after the idle time, when the client has
  // disconnected, or when the server stops.
  bool wait_for_request();
  // Received bytes that are not consumed yet, at most kHeadBytes.
  std::string_view received() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t count) { begin_ += count; }
  // Waits for more bytes and appends them; false after the time limit of the request, when the buffer is full, or when
  // the client has disconnected.
  bool receive();

  // False when the client does not accept the bytes in time. `more`: bytes of the same response follow at once.
  bool send(std::string_view bytes, bool more = false);
  // The current response is the last one: further requests are not read.
  void close_after_response() { last_ = true; }
  bool is_last() const { return last_; }

  bool client_disconnected() const;
  std::string address() const;  // of the client: "127.0.0.1:50000", "[::1]:50000"

 private:
  using Clock = std::chrono::steady_clock;
  bool wait(short events, Clock::time_point until) const;

  int socket_;
  const StopSignal& stop_;
  std::array<char, kHeadBytes> buffer_{};
  std::size_t begin_ = 0, end_ = 0;
  Clock::time_point deadline_;
  bool last_ = false;
};

}  // namespace stratoscope::server
