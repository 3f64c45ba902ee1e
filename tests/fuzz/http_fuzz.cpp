// Bytes from a client. Routes get only whole requests that the access policy accepts; an early error closes the
// connection, so that the rest of its request is not read as another one.
#include "apps/server/access_policy.h"
#include "apps/server/http/http_server.h"
#include "apps/server/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tests/server/http/socket_client.h"

namespace stratoscope::server {
namespace {

class Halves : public BodyStream {
 public:
  explicit Halves(std::string text) : text_(std::move(text)) {}
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
  fuzz::require(request.headers.count("Content-Encoding") == 0, "no compressed body");
  fuzz::require(request.target.size() <= kTargetBytes && request.body.size() <= kBodyBytes, "limits hold");
  fuzz::require(request.headers.count("Content-Length") == 0 || request.headers.count("Transfer-Encoding") == 0,
                "one length of a body");
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
    return Response{.headers = marked(request), .stream = std::make_unique<Halves>(request.body)};
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMaxBytes = 64 * 1024;  // the buffers of a pair of sockets
  if (size > kMaxBytes) return 0;
  static HttpServer* const server = [] {
    auto* const created = new HttpServer(AccessPolicy{.names = {"localhost"}, .token = "t"});
    add_routes(*created);
    return created;
  }();
  const auto responses = client::read_responses(client::responses_to(*server, fuzz::as_text(data, size)));
  for (const auto& response : responses) {
    const bool handled = response.head.find("\r\nX-Handled: yes") != std::string::npos;
    if (response.status == 100) continue;
    fuzz::require(handled || response.closes, "an early error ends the connection");
    fuzz::require(!response.closes || &response == &responses.back(), "nothing follows the last response");
    fuzz::require(handled || response.status >= 400, "a response without a route is an error");
    fuzz::require(response.head.find("Content-Security-Policy") != std::string::npos, "every response has the policy");
  }
  return 0;
}

}  // namespace stratoscope::server
