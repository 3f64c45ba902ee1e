// A request as it came in, and an answer as it goes out.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stratoscope::server {

// Fields of a head, in their order. Upper and lower case of a name are the same.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  std::size_t count(std::string_view name) const;
  // The first of this name, or nothing.
  std::string get(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method;
  std::string target;  // path and query as they were sent
  std::string path;    // decoded
  Headers headers;
  bool http_1_0 = false;
  std::string body;
  std::string id;       // of the route's "{id}"
  std::string address;  // of the client: "127.0.0.1:50000"
  std::function<bool()> client_is_gone = [] { return false; };

  // The first query parameter of this name, decoded.
  std::optional<std::string> parameter(std::string_view name) const;
};

// A body that comes piece by piece. It ends with its destructor, also where the client went before.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // The next piece, after a short wait at most: an empty one where nothing has come yet, nothing after the last one.
  virtual std::optional<std::string> next() = 0;
};

struct Response {
  int status = 200;
  std::string body = {};
  std::string type = "application/json";
  Headers headers = {};
  std::unique_ptr<BodyStream> stream = nullptr;  // in place of `body`
};

// "%20" as " ", in parameters "+" too. What is no code stays as it is.
std::string percent_decoded(std::string_view text, bool plus_is_space = false);
// All but letters, digits and "-._~" as codes.
std::string percent_encoded(std::string_view text);

}  // namespace stratoscope::server
