// The server's edge: bytes from a client. Routes see only requests that the guard lets through, each whole; what is
// refused early ends the connection, so that its rest is not taken for another request.
#include "apps/server/guard.h"
#include "apps/server/http/http_server.h"
#include "apps/server/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tests/server/http/talk.h"

namespace stratoscope::server {
namespace {

class Few : public BodyStream {
 public:
  explicit Few(std::string text) : text_(std::move(text)) {}
  std::optional<std::string> next() override {
    if (text_.empty()) return std::nullopt;
    return std::exchange(text_, text_.substr(0, text_.size() / 2));
  }

 private:
  std::string text_;
};

// A request that a route may see.
void check(const Request& request) {
  fuzz::require(request.headers.count("Host") == 1, "one host");
  fuzz::require(request.headers.count("Content-Encoding") == 0, "no packed body");
  fuzz::require(request.target.size() <= kTargetBytes && request.body.size() <= kBodyBytes, "limits hold");
  fuzz::require(request.headers.count("Content-Length") == 0 || request.headers.count("Transfer-Encoding") == 0,
                "one way to tell where a body ends");
  const std::string length = request.headers.get("Content-Length");
  fuzz::require(length.empty() || std::to_string(request.body.size()) ==
                                      length.substr(std::min(length.find_first_not_of('0'), length.size() - 1)),
                "a body is as long as it says");
  for (const char* const name : {"a", "format", ""}) static_cast<void>(request.parameter(name));
}

Headers marked(const Request& request) { return {{"X-Handled", "yes"}, {"X-Method", request.method}}; }

void add_routes(HttpServer& server) {
  for (const char* const method : {"GET", "POST", "PATCH", "DELETE"})
    server.add(method, "/api/x", [](const Request& request) {
      check(request);
      return Response{.body = request.path + request.body, .headers = marked(request)};
    });
  server.add("DELETE", "/api/x/{id}", [](const Request& request) {
    check(request);
    fuzz::require(!request.id.empty() && request.id.find_first_not_of("0123456789") == std::string::npos,
                  "ids are digits");
    return Response{.status = 204, .headers = marked(request)};
  });
  server.add("POST", "/api/s", [](const Request& request) {
    check(request);
    return Response{.headers = marked(request), .stream = std::make_unique<Few>(request.body)};
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMost = 64 * 1024;  // what a pair of sockets holds
  if (size > kMost) return 0;
  static HttpServer* const server = [] {
    auto* const made = new HttpServer(Guard{.names = {"localhost"}, .token = "t"});
    add_routes(*made);
    return made;
  }();
  const auto answers = talking::read_answers(talking::answers_to(*server, fuzz::as_text(data, size)));
  for (const auto& answer : answers) {
    const bool handled = answer.head.find("\r\nX-Handled: yes") != std::string::npos;
    if (answer.status == 100) continue;
    fuzz::require(handled || answer.closes, "an early refusal ends the connection");
    fuzz::require(!answer.closes || &answer == &answers.back(), "nothing follows the last answer");
    fuzz::require(handled || answer.status >= 400, "what no route answered is refused");
    fuzz::require(answer.head.find("Content-Security-Policy") != std::string::npos, "every answer has the policy");
  }
  return 0;
}

}  // namespace stratoscope::server
