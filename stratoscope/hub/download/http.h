// One HTTP request, by libcurl. Redirects are answers like others here; whoever asks decides where they lead.
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
  bool head = false;             // headers alone
  std::uint64_t first_byte = 0;  // the rest from here, where it is not 0
  std::string token;             // empty: none
  bool compressed = false;       // the body may come compressed, and is unpacked
};

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // where no sink took it

  std::string header(const std::string& name) const;  // empty where there is none
  // The same as a whole number; nothing where it is none.
  std::optional<std::uint64_t> number(const std::string& name) const;
};

// Takes a body while it comes. What it throws ends the request and is thrown by send().
class BodySink {
 public:
  BodySink() = default;
  BodySink(const BodySink&) = delete;
  BodySink& operator=(const BodySink&) = delete;
  virtual ~BodySink() = default;
  // Status and headers of an answer with a body that is asked for (200 or 206), before its first byte.
  virtual void begin(const HttpResponse& response) = 0;
  virtual void write(std::span<const std::byte> bytes) = 0;
};

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{15'000};
  // A connection that brings less than `least_rate` bytes a second for this long is given up.
  std::chrono::milliseconds stall{30'000};
  std::uint64_t least_rate = 512;
};

class HttpConnection {
 public:
  // `certificates` and `certificates_folder` name trusted authorities, where they are not the system's. `cancelled` is
  // asked at least once a second.
  HttpConnection(const HttpOptions& options, const std::string& certificates, const std::string& certificates_folder,
                 std::function<bool()> cancelled);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Proxies are those of the environment. Throws PassingFault for what may pass (drops, time-outs, no network), Error
  // for what will not (certificates, answers without end), Interrupted when cancelled. A status is no failure here.
  HttpResponse send(const HttpRequest& request, BodySink* sink = nullptr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stratoscope
