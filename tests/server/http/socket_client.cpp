#include "tests/server/http/socket_client.h"

#include <stdexcept>

namespace stratoscope::server::client {
namespace {

std::string_view take(std::string_view& bytes, std::size_t size) {
  if (size > bytes.size()) throw std::runtime_error("a response is cut");
  const std::string_view taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return taken;
}

// The bytes up to the mark; removes them and the mark.
std::string_view take_until(std::string_view& bytes, std::string_view mark) {
  const std::size_t at = bytes.find(mark);
  if (at == std::string_view::npos) throw std::runtime_error("a response does not end");
  const std::string_view taken = take(bytes, at);
  bytes.remove_prefix(mark.size());
  return taken;
}

std::string take_chunks(std::string_view& bytes) {
  constexpr int kHexadecimal = 16;
  std::string body;
  for (;;) {
    const std::size_t size = std::stoul(std::string(take_until(bytes, "\r\n")), nullptr, kHexadecimal);
    body += take(bytes, size);
    if (!take_until(bytes, "\r\n").empty()) throw std::runtime_error("a chunk is longer than its size");
    if (size == 0) return body;
  }
}

}  // namespace

std::vector<ReadResponse> read_responses(std::string_view bytes) {
  constexpr std::string_view kStart = "HTTP/1.1 ", kLength = "\r\nContent-Length: ";
  std::vector<ReadResponse> responses;
  while (!bytes.empty()) {
    if (!bytes.starts_with(kStart))
      throw std::runtime_error("this is not a response: " + std::string(bytes.substr(0, 80)));
    ReadResponse& response = responses.emplace_back();
    response.head = take_until(bytes, "\r\n\r\n");
    response.status = std::stoi(response.head.substr(kStart.size()));
    if (response.status == 100) continue;
    response.closes = response.head.find("\r\nConnection: close") != std::string::npos;
    const bool is_error_to_head = response.closes && bytes.empty();
    if (is_error_to_head || response.head.find("\r\nX-Method: HEAD") != std::string::npos) continue;
    const std::size_t length = response.head.find(kLength);
    if (length != std::string::npos)
      response.body = take(bytes, std::stoul(response.head.substr(length + kLength.size())));
    else if (response.head.find("\r\nTransfer-Encoding: chunked") != std::string::npos)
      response.body = take_chunks(bytes);
    else if (response.closes)
      response.body = take(bytes, bytes.size());
  }
  return responses;
}

}  // namespace stratoscope::server::client
