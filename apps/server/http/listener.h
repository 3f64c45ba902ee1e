// A listening TCP socket.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <string>

namespace stratoscope::server {

class Listener {
 public:
  // Port 0 chooses a free one. Throws Error for an address that is not of this machine or is in use.
  Listener(const std::string& host, int port);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const sockaddr_storage& address() const { return address_; }
  // The socket of the next client, for the caller to close; -1 after the time limit.
  int accept(std::chrono::milliseconds time) const;

 private:
  int socket_;
  sockaddr_storage address_{};
};

}  // namespace stratoscope::server
