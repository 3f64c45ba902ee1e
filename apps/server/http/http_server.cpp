#include "apps/server/http/http_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "apps/server/http/connection.h"
#include "apps/server/http/request_reader.h"
#include "apps/server/http/response_writer.h"
#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kSpareConnections = 8;           // beyond kConnections, which get 429
constexpr std::chrono::milliseconds kAcceptTime{100};  // between checks whether to stop

Response current_error() {
  ErrorResponse error = error_response(std::current_exception());
  return {.status = error.status, .body = std::move(error.body)};
}

Response too_many_connections() {
  try {
    throw HttpError(429, "server", "the limit of " + std::to_string(kConnections) + " connections is reached",
                    "try again");
  } catch (...) {
    Response response = current_error();
    response.headers.add("Retry-After", "1");
    return response;
  }
}

// Whether the path matches the route; sets the id of the request to the digits in place of "{id}".
bool matches(const std::string& route, Request& request) {
  constexpr std::string_view kId = "{id}";
  constexpr std::size_t kMaxDigits = 15;
  if (!route.ends_with(kId)) return request.path == route;
  const std::string_view before = std::string_view(route).substr(0, route.size() - kId.size());
  if (!request.path.starts_with(before)) return false;
  const std::string id = request.path.substr(before.size());
  if (id.empty() || id.size() > kMaxDigits || id.find_first_not_of("0123456789") != std::string::npos) return false;
  request.id = id;
  return true;
}

class CountGuard {
 public:
  explicit CountGuard(std::atomic<std::size_t>& count) : count_(count), number_(++count) {}
  ~CountGuard() { --count_; }
  CountGuard(const CountGuard&) = delete;
  CountGuard& operator=(const CountGuard&) = delete;
  std::size_t number() const { return number_; }

 private:
  std::atomic<std::size_t>& count_;
  std::size_t number_;
};

}  // namespace

HttpServer::~HttpServer() {
  stop();
  for (Thread& each : threads_) each.thread.join();
}

void HttpServer::add(const std::string& method, const std::string& path, Handler handler) {
  routes_.push_back({method, path, std::move(handler)});
}

void HttpServer::serve(const Listener& listener) {
  while (!stop_.is_set()) {
    const int socket = listener.accept(kAcceptTime);
    join_finished();
    if (socket >= 0) start_thread(socket);
  }
  for (Thread& each : threads_) each.thread.join();
  threads_.clear();
}

void HttpServer::stop() {
  if (!stop_.is_set()) stop_.set(kShutdownTime);
}

void HttpServer::start_thread(int socket) {
  if (threads_.size() >= kConnections + kSpareConnections) {
    ::close(socket);
    return;
  }
  Thread& started = threads_.emplace_back();
  try {
    started.thread = std::thread([this, socket, &started] {
      serve_connection(socket);
      started.finished.store(true);
    });
  } catch (const std::system_error&) {  // the limit of threads of the system
    threads_.pop_back();
    ::close(socket);
  }
}

void HttpServer::join_finished() {
  threads_.remove_if([](Thread& each) {
    if (!each.finished.load()) return false;
    each.thread.join();
    return true;
  });
}

void HttpServer::serve_connection(int socket) {
  Connection connection(socket, stop_);
  const CountGuard counted(open_);
  if (counted.number() > kConnections) {
    connection.close_after_response();
    write_response(connection, too_many_connections(), "GET", false);
    return;
  }
  for (std::size_t left = kRequestsPerConnection; left > 0 && connection.wait_for_request(); --left) {
    if (left == 1) connection.close_after_response();
    if (!serve_request(connection)) return;
  }
}

// False when it was the last request of the connection.
bool HttpServer::serve_request(Connection& connection) {
  try {
    Request head;
    Response response;
    bool received = false;
    try {
      const Route* route = nullptr;
      bool keep_alive = false;
      const auto check = [&](Request& read) {
        head = read;
        policy_.check(read);
        route = &route_of(read);
      };
      const std::optional<Request> request = read_request(connection, check, keep_alive);
      if (!request) return false;
      received = true;
      if (!keep_alive || stop_.is_set()) connection.close_after_response();
      response = route->handler(*request);
    } catch (...) {
      response = current_error();
      if (!received)
        connection.close_after_response();  // the rest of a rejected request must not be read as another one
    }
    return write_response(connection, response, head.method, head.http_1_0) && !connection.is_last();
  } catch (...) {  // out of memory
    return false;
  }
}

const HttpServer::Route& HttpServer::route_of(Request& request) const {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::string others;
  for (const Route& route : routes_) {
    if (!matches(route.path, request)) continue;
    if (route.method == method) return route;
    others += (others.empty() ? "" : ", ") + route.method;
  }
  if (others.empty())
    throw HttpError(404, "request", "there is no route " + in_quotes(request.path),
                    "GET /openapi.json lists all routes");
  throw HttpError(405, "request", in_quotes(request.path) + " does not support " + in_quotes(request.method),
                  "it supports " + others);
}

}  // namespace stratoscope::server
