// An HTTP/1.1 server: which request goes to which function, a thread for each connection, limits on both.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "apps/server/guard.h"
#include "apps/server/http/listener.h"
#include "apps/server/http/message.h"
#include "apps/server/http/stop_signal.h"

namespace stratoscope::server {

class Connection;

class HttpServer {
 public:
  // What it throws is answered as error_answer() says.
  using Handler = std::function<Response(const Request&)>;

  explicit HttpServer(Guard guard) : guard_(std::move(guard)) {}
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Before serve(). "{id}" as the path's last part stands for any digits, which the request then has as its id.
  void add(const std::string& method, const std::string& path, Handler handler);

  // Answers clients until stop(), which any thread may call; returns when all connections are closed.
  void serve(const Listener& listener);
  void stop();
  bool is_stopping() const { return stop_.is_set(); }

  // Answers the requests of one client, in this thread, until it goes or the connection has to end. Owns the socket.
  void talk(int socket);

 private:
  struct Route {
    std::string method, path;
    Handler handler;
  };
  struct Thread {
    std::atomic<bool> finished{false};
    std::thread thread = {};
  };

  void start_thread(int socket);
  void join_finished();
  bool answer_next(Connection& connection);
  const Route& route_of(Request& request) const;

  Guard guard_;
  std::vector<Route> routes_;
  StopSignal stop_;
  std::atomic<std::size_t> open_{0};
  std::list<Thread> threads_;
};

}  // namespace stratoscope::server
