#include "apps/server/http_server.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "apps/server/connection.h"
#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "stratoscope/base/error.h"

namespace stratoscope::server {
namespace {

constexpr int kListenQueue = 256;
constexpr std::size_t kSpareThreads = 8;  // that say no when all others are busy

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

void refuse_connection(Connection& connection) {
  const std::string body =
      error_answer(
          std::make_exception_ptr(Refusal(
              429, "server", "the limit of " + std::to_string(kConnections) + " connections is reached", "try again")))
          .body;
  connection.httplib::Stream::write(
      "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
      "Connection: close\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  connection.close_afterwards();
}

}  // namespace

HttpServer::HttpServer(Guard guard) : guard_(std::move(guard)) {
  new_task_queue = [] { return new httplib::ThreadPool(kConnections + kSpareThreads); };
  // The library's own options would let a second server share the port unnoticed.
  set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  set_tcp_nodelay(true);
  set_keep_alive_max_count(kRequestsPerConnection);
  set_keep_alive_timeout(kIdleTime.count());
  set_payload_max_length(kBodyBytes);
  set_default_headers(protective_headers());
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    try {
      guard_.check(request);
      return HandlerResponse::Unhandled;
    } catch (...) {
      answer_error(response, std::current_exception());
      Connection::current()->close_afterwards();  // its body is not read
      response.set_header("Connection", "close");
      return HandlerResponse::Handled;
    }
  });
  set_exception_handler([](const httplib::Request&, httplib::Response& response, const std::exception_ptr& exception) {
    answer_error(response, exception);
  });
  set_error_handler(Handler([](const httplib::Request&, httplib::Response& response) {
    if (Connection::current()->over_limit()) response.status = 413;
    explain_status(response);
  }));
}

int HttpServer::bind(const std::string& host, int port) {
  guard_.hosts.push_back(host.find(':') == std::string::npos ? host : "[" + host + "]");
  const int bound = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
  if (bound < 0)
    throw Error("serve", "cannot listen on " + host + " port " + std::to_string(port) + ": " + std::strerror(errno),
                "is another server there? --port chooses another one, 0 any that is free");
  guard_.port = bound;
  ::listen(svr_sock_, kListenQueue);  // again: the library's own queue holds five
  return bound;
}

void HttpServer::serve() { listen_after_bind(); }

void HttpServer::stop_serving() {
  stopping_.store(true);
  stop();
}

bool HttpServer::process_and_close_socket(socket_t socket) {
  Connection connection(socket);
  const CountGuard counted(open_);
  if (counted.number() > kConnections) {
    refuse_connection(connection);
    return true;
  }
  for (std::size_t left = kRequestsPerConnection; left > 0 && connection.wait_for_request(stopping_); --left) {
    bool closed = false;
    const bool answered =
        process_request(connection, left == 1 || stopping_.load(), closed, [](httplib::Request& request) {
          request.headers.erase(
              "Accept-Encoding");  // the library would spend longer on packing than the engine computes
        });
    // What comes behind a body that was cut is no request.
    if (!answered || connection.over_limit()) connection.close_afterwards();
    if (!answered || closed || connection.is_last()) break;
  }
  return true;
}

}  // namespace stratoscope::server
