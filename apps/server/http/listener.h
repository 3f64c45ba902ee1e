// A socket that clients connect to.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <string>

namespace stratoscope::server {

class Listener {
 public:
  // Port 0 takes a free one. Throws Error where the address is none of this machine's or is taken.
  Listener(const std::string& host, int port);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const sockaddr_storage& address() const { return address_; }
  // The socket of the next client, for the caller to close; -1 when none came within the time.
  int accept(std::chrono::milliseconds time) const;

 private:
  int socket_;
  sockaddr_storage address_{};
};

}  // namespace stratoscope::server
