// A client's socket with the patience that the HTTP library lacks: a request must come in whole within a time and a
// size, an answer must be taken, and a client that has gone is noticed while its work goes on.
#pragma once

#include <httplib.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

namespace stratoscope::server {

class Connection : public httplib::Stream {
 public:
  explicit Connection(int socket);
  ~Connection() override;  // sends what is left and closes
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // That of the request which this thread answers; null elsewhere.
  static Connection* current();

  // True when a request begins; false when none came in time, the client is gone, or `stopping`.
  bool wait_for_request(const std::atomic<bool>& stopping);
  bool peer_is_gone() const;
  // The answer under way is the last one: what the client still sends is not read.
  void close_afterwards() { last_ = true; }
  bool is_last() const { return last_; }
  bool over_limit() const { return read_ > most_; }

  bool is_readable() const override { return !over_limit(); }
  bool is_writable() const override { return !peer_is_gone(); }
  ssize_t read(char* bytes, std::size_t size) override;
  ssize_t write(const char* bytes, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;
  bool wait(short events, Clock::time_point until) const;

  int socket_;
  Connection* outer_;
  std::array<char, 16384> buffer_{};
  std::size_t begin_ = 0, end_ = 0;
  Clock::time_point deadline_;
  std::size_t read_ = 0, most_ = 0;
  bool last_ = false;
};

}  // namespace stratoscope::server
