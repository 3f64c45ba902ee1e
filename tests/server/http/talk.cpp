#include "tests/server/http/talk.h"

#include <stdexcept>

namespace stratoscope::server::talking {
namespace {

std::string_view take(std::string_view& bytes, std::size_t size) {
  if (size > bytes.size()) throw std::runtime_error("an answer is cut");
  const std::string_view taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return taken;
}

// Up to the mark, which is taken too.
std::string_view take_until(std::string_view& bytes, std::string_view mark) {
  const std::size_t at = bytes.find(mark);
  if (at == std::string_view::npos) throw std::runtime_error("an answer does not end");
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
    if (!take_until(bytes, "\r\n").empty()) throw std::runtime_error("a chunk is longer than it says");
    if (size == 0) return body;
  }
}

}  // namespace

std::vector<ReadAnswer> read_answers(std::string_view bytes) {
  constexpr std::string_view kStart = "HTTP/1.1 ", kLength = "\r\nContent-Length: ";
  std::vector<ReadAnswer> answers;
  while (!bytes.empty()) {
    if (!bytes.starts_with(kStart)) throw std::runtime_error("this is no answer: " + std::string(bytes.substr(0, 80)));
    ReadAnswer& answer = answers.emplace_back();
    answer.head = take_until(bytes, "\r\n\r\n");
    answer.status = std::stoi(answer.head.substr(kStart.size()));
    if (answer.status == 100) continue;
    answer.closes = answer.head.find("\r\nConnection: close") != std::string::npos;
    const bool is_refused_head = answer.closes && bytes.empty();
    if (is_refused_head || answer.head.find("\r\nX-Method: HEAD") != std::string::npos) continue;
    const std::size_t length = answer.head.find(kLength);
    if (length != std::string::npos)
      answer.body = take(bytes, std::stoul(answer.head.substr(length + kLength.size())));
    else if (answer.head.find("\r\nTransfer-Encoding: chunked") != std::string::npos)
      answer.body = take_chunks(bytes);
    else if (answer.closes)
      answer.body = take(bytes, bytes.size());
  }
  return answers;
}

}  // namespace stratoscope::server::talking
