// One HTTP request, by libcurl. Redirects are returned as responses; the caller decides where they lead.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace stratoscope {

struct HttpRequest {
  std::string address;
  bool head = false;             // headers only
  std::uint64_t first_byte = 0;  // requests the rest from here unless 0
  std::string token;             // empty: none
  bool compressed = false;       // accepts a compressed body, which is decompressed
};

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // without a sink

  std::string header(const std::string& name) const;  // empty if missing
  // The same as an integer; nullopt if it is not one.
  std::optional<std::uint64_t> number(const std::string& name) const;
};

// Receives a body in pieces. Its exceptions end the request and are thrown by send().
class BodySink {
 public:
  BodySink() = default;
  BodySink(const BodySink&) = delete;
  BodySink& operator=(const BodySink&) = delete;
  virtual ~BodySink() = default;
  // Status and headers of a successful response (200 or 206), before its first byte.
  virtual void begin(const HttpResponse& response) = 0;
  virtual void write(std::span<const std::byte> bytes) = 0;
};

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{15'000};
  // A connection slower than `least_rate` bytes per second for this long is closed.
  std::chrono::milliseconds stall{30'000};
  std::uint64_t least_rate = 512;
};

class HttpConnection {
 public:
  // `certificates` and `certificates_folder` are trusted authorities, if not the system's. `cancelled` is called at
  // least once a second.
  HttpConnection(const HttpOptions& options, const std::string& certificates, const std::string& certificates_folder,
                 std::function<bool()> cancelled);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Uses the proxies of the environment. Throws PassingFault for temporary failures (drops, time-outs, no network),
  // Error for permanent ones (certificates, responses over the limit), Interrupted when cancelled. A status is not a
  // failure.
  HttpResponse send(const HttpRequest& request, BodySink* sink = nullptr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stratoscope
