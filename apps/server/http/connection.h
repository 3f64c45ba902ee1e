// A client's socket with patience that ends: a request must come in whole within a time, an answer must be taken, and a
// client that has gone is noticed while its work goes on.
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
  // Owns the socket.
  Connection(int socket, const StopSignal& stop);
  ~Connection();  // sends what is left and closes
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // True when a request begins, whose time runs from now on; false when none came in time, the client is gone, or the
  // server stops.
  bool wait_for_request();
  // Bytes that came in and are not consumed yet, at most kHeadBytes.
  std::string_view received() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t count) { begin_ += count; }
  // Adds to them, after a wait where none are there; false when the time of the request is over, there is no more room,
  // or the client is gone.
  bool receive();

  // False when the client does not take the bytes in time. `more` of the same answer follow at once.
  bool send(std::string_view bytes, bool more = false);
  // The answer under way is the last one: what the client still sends is not read.
  void close_afterwards() { last_ = true; }
  bool is_last() const { return last_; }

  bool client_is_gone() const;
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
