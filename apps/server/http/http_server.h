// An HTTP/1.1 server with routes and a thread for each connection.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "apps/server/access_policy.h"
#include "apps/server/http/listener.h"
#include "apps/server/http/message.h"
#include "apps/server/http/stop_signal.h"

namespace stratoscope::server {

class Connection;

class HttpServer {
 public:
  // Exceptions of a handler are answered with error_response().
  using Handler = std::function<Response(const Request&)>;

  explicit HttpServer(AccessPolicy policy) : policy_(std::move(policy)) {}
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Call it before serve(). "{id}" as the last part of a path matches digits, which become the id of the request.
  void add(const std::string& method, const std::string& path, Handler handler);

  // Serves clients until stop(), which any thread may call; returns when all connections are closed.
  void serve(const Listener& listener);
  void stop();
  bool is_stopping() const { return stop_.is_set(); }

  // Serves the requests of one client in this thread until the connection ends. Takes ownership of the socket.
  void serve_connection(int socket);

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
  bool serve_request(Connection& connection);
  const Route& route_of(Request& request) const;

  AccessPolicy policy_;
  std::vector<Route> routes_;
  StopSignal stop_;
  std::atomic<std::size_t> open_{0};
  std::list<Thread> threads_;
};

}  // namespace stratoscope::server
