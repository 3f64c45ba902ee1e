// The HTTP library with its traps removed: a listen queue that holds a burst, no delay of small packets, long-lived and
// patient connections of a bounded number, no compression, errors that say what is wrong.
#pragma once

#include <httplib.h>

#include <atomic>
#include <string>

#include "apps/server/guard.h"

namespace stratoscope::server {

class HttpServer : public httplib::Server {
 public:
  explicit HttpServer(Guard guard);

  // Port 0 takes a free one. Returns the port. Throws Error where it cannot be had.
  int bind(const std::string& host, int port);
  // Until stop(), which any thread may call.
  void serve();
  void stop_serving();
  bool is_stopping() const { return stopping_.load(); }

 private:
  bool process_and_close_socket(socket_t socket) override;

  Guard guard_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> open_{0};
};

}  // namespace stratoscope::server
