#include "apps/server/http/http_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "apps/server/http/connection.h"
#include "apps/server/http/request_reader.h"
#include "apps/server/http/response_writer.h"
#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kSpareConnections = 8;           // that are told that all others are taken
constexpr std::chrono::milliseconds kAcceptTime{100};  // between looks whether to stop

Response error_response() {
  ErrorAnswer answer = error_answer(std::current_exception());
  return {.status = answer.status, .body = std::move(answer.body)};
}

Response too_many_connections() {
  try {
    throw Refusal(429, "server", "the limit of " + std::to_string(kConnections) + " connections is reached",
                  "try again");
  } catch (...) {
    Response response = error_response();
    response.headers.add("Retry-After", "1");
    return response;
  }
}

// Whether the path is the route's; the digits in place of "{id}" become the request's id.
bool leads_to(const std::string& route, Request& request) {
  constexpr std::string_view kId = "{id}";
  constexpr std::size_t kMostDigits = 15;
  if (!route.ends_with(kId)) return request.path == route;
  const std::string_view before = std::string_view(route).substr(0, route.size() - kId.size());
  if (!request.path.starts_with(before)) return false;
  const std::string id = request.path.substr(before.size());
  if (id.empty() || id.size() > kMostDigits || id.find_first_not_of("0123456789") != std::string::npos) return false;
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
  if (!stop_.is_set()) stop_.set(kPartingTime);
}

void HttpServer::start_thread(int socket) {
  if (threads_.size() >= kConnections + kSpareConnections) {
    ::close(socket);
    return;
  }
  Thread& started = threads_.emplace_back();
  try {
    started.thread = std::thread([this, socket, &started] {
      talk(socket);
      started.finished.store(true);
    });
  } catch (const std::system_error&) {  // the system gives no more threads
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

void HttpServer::talk(int socket) {
  Connection connection(socket, stop_);
  const CountGuard counted(open_);
  if (counted.number() > kConnections) {
    connection.close_afterwards();
    write_response(connection, too_many_connections(), "GET", false);
    return;
  }
  for (std::size_t left = kRequestsPerConnection; left > 0 && connection.wait_for_request(); --left) {
    if (left == 1) connection.close_afterwards();
    if (!answer_next(connection)) return;
  }
}

// False when it was the last request of the connection.
bool HttpServer::answer_next(Connection& connection) {
  try {
    Request head;
    Response response;
    bool is_whole = false;
    try {
      const Route* route = nullptr;
      bool keep_alive = false;
      const auto check = [&](Request& read) {
        head = read;
        guard_.check(read);
        route = &route_of(read);
      };
      const std::optional<Request> request = read_request(connection, check, keep_alive);
      if (!request) return false;
      is_whole = true;
      if (!keep_alive || stop_.is_set()) connection.close_afterwards();
      response = route->handler(*request);
    } catch (...) {
      response = error_response();
      if (!is_whole) connection.close_afterwards();  // the rest of a refused request is not another one
    }
    return write_response(connection, response, head.method, head.http_1_0) && !connection.is_last();
  } catch (...) {  // no memory for an answer
    return false;
  }
}

const HttpServer::Route& HttpServer::route_of(Request& request) const {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::string others;
  for (const Route& route : routes_) {
    if (!leads_to(route.path, request)) continue;
    if (route.method == method) return route;
    others += (others.empty() ? "" : ", ") + route.method;
  }
  if (others.empty())
    throw Refusal(404, "request", "there is nothing at " + in_quotes(request.path),
                  "GET /openapi.json lists all addresses");
  throw Refusal(405, "request", in_quotes(request.path) + " does not know " + in_quotes(request.method),
                "it knows " + others);
}

}  // namespace stratoscope::server
