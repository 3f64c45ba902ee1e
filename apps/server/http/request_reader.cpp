#include "apps/server/http/request_reader.h"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"

namespace stratoscope::server {
namespace {

namespace http = boost::beast::http;

using Parser = http::request_parser<http::string_body>;

[[noreturn]] void reject(const boost::beast::error_code& error) {
  if (error == http::error::body_limit)
    throw HttpError(413, "request", "the body is longer than the limit of " + std::to_string(kBodyBytes) + " bytes");
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    throw HttpError(431, "request", "the head is longer than the limit of " + std::to_string(kHeadBytes) + " bytes");
  throw HttpError(400, "request", "is not valid HTTP/1.1: " + error.message());
}

// Feeds the parser until `done`; false when the client sends no more.
template <class Done>
bool parse(Connection& connection, Parser& parser, const Done& done) {
  while (!done()) {
    boost::beast::error_code error;
    const std::string_view bytes = connection.received();
    const std::size_t used = bytes.empty() ? 0 : parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    connection.consume(used);
    if (error && error != http::error::need_more) reject(error);
    if (done()) return true;
    if (used > 0 && !error) continue;
    if (connection.received().size() == kHeadBytes)
      reject(http::error::header_limit);  // a header field or the head of a chunk
    if (!connection.receive()) return false;
  }
  return true;
}

Request head_of(const Parser& parser) {
  const auto& message = parser.get();
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.path = percent_decoded(request.target.substr(0, request.target.find('?')));
  request.http_1_0 = message.version() == 10;
  for (const auto& field : message) request.headers.add(std::string(field.name_string()), std::string(field.value()));
  return request;
}

// The length of a body must be unambiguous, so that no part of it is read as the next request (request smuggling).
void check_length(const Parser& parser, const Request& head) {
  if (const std::size_t codings = head.headers.count("Transfer-Encoding"); codings > 0) {
    if (codings > 1 || !parser.chunked() ||
        head.headers.get("Transfer-Encoding").size() != std::string_view("chunked").size())
      throw HttpError(501, "request", "has a Transfer-Encoding that is not 'chunked'");
    if (head.http_1_0) throw HttpError(400, "request", "has a Transfer-Encoding, which HTTP/1.0 does not have");
  }
  const std::string length = head.headers.get("Content-Length");
  const bool is_number = !length.empty() && length.find_first_not_of("0123456789") == std::string::npos;
  if (const std::size_t lengths = head.headers.count("Content-Length"); lengths > 1 || (lengths == 1 && !is_number))
    throw HttpError(400, "request", "Content-Length is not a number");
}

}  // namespace

std::optional<Request> read_request(Connection& connection, const std::function<void(Request& head)>& check,
                                    bool& keep_alive) {
  keep_alive = false;
  Parser parser;
  parser.header_limit(kHeadBytes);
  parser.body_limit(kBodyBytes);
  if (!parse(connection, parser, [&] { return parser.is_header_done(); })) return std::nullopt;
  Request request = head_of(parser);
  request.address = connection.address();
  request.client_disconnected = [&connection] { return connection.client_disconnected(); };
  check_length(parser, request);
  check(request);
  parser.eager(true);
  // A client with 'Expect: 100-continue' sends the body after this.
  const bool waits = !request.http_1_0 && boost::beast::iequals(request.headers.get("Expect"), "100-continue");
  if (waits && !parser.is_done() && connection.received().empty() && !connection.send("HTTP/1.1 100 Continue\r\n\r\n"))
    return std::nullopt;
  if (!parse(connection, parser, [&] { return parser.is_done(); })) return std::nullopt;
  request.body = std::move(parser.get().body());
  keep_alive = parser.keep_alive();
  return request;
}

}  // namespace stratoscope::server
