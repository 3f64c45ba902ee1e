// HTTP requests and responses.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stratoscope::server {

// The header fields of a message, in their order. Names are case-insensitive.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  std::size_t count(std::string_view name) const;
  // The value of the first field of this name, or an empty text.
  std::string get(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method;
  std::string target;  // path and query as sent
  std::string path;    // decoded
  Headers headers;
  bool http_1_0 = false;
  std::string body;
  std::string id;       // of the route's "{id}"
  std::string address;  // of the client: "127.0.0.1:50000"
  std::function<bool()> client_disconnected = [] { return false; };

  // The first query parameter of this name, decoded.
  std::optional<std::string> parameter(std::string_view name) const;
};

// The body of a response, produced in pieces. It is destroyed at its end or when the client disconnects.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // The next piece after a short wait: empty when none is ready, nullopt after the last one.
  virtual std::optional<std::string> next() = 0;
};

struct Response {
  int status = 200;
  std::string body = {};
  std::string type = "application/json";
  Headers headers = {};
  std::unique_ptr<BodyStream> stream = nullptr;  // in place of `body`
};

// "%20" becomes " ", and "+" too where `plus_is_space`. Invalid escapes stay as they are.
std::string percent_decoded(std::string_view text, bool plus_is_space = false);
// Escapes all bytes except letters, digits and "-._~".
std::string percent_encoded(std::string_view text);

}  // namespace stratoscope::server
