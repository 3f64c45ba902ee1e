#include "apps/server/http/response_writer.h"

#include <fmt/format.h>

#include <boost/beast/http/status.hpp>

#include "apps/server/access_policy.h"

namespace stratoscope::server {
namespace {

constexpr int kNoContent = 204;

std::string head_of(const Response& response, bool chunked, bool last) {
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, std::string_view(reason.data(), reason.size()));
  const auto add = [&head](const std::string& name, const std::string& value) {
    head += fmt::format("{}: {}\r\n", name, value);
  };
  for (const auto& [name, value] : security_headers()) add(name, value);
  for (const auto& [name, value] : response.headers) add(name, value);
  if (response.status != kNoContent) add("Content-Type", response.type);
  if (chunked) add("Transfer-Encoding", "chunked");
  if (!response.stream && response.status != kNoContent) add("Content-Length", std::to_string(response.body.size()));
  if (last) add("Connection", "close");
  return head + "\r\n";
}

bool write_stream(Connection& connection, BodyStream& stream, bool chunked) {
  while (const auto piece = stream.next()) {
    if (piece->empty()) {
      if (connection.client_disconnected()) return false;
      continue;
    }
    if (!connection.send(chunked ? fmt::format("{:x}\r\n{}\r\n", piece->size(), *piece) : *piece)) return false;
  }
  return !chunked || connection.send("0\r\n\r\n");
}

}  // namespace

bool write_response(Connection& connection, const Response& response, const std::string& method, bool http_1_0) {
  const bool chunked = response.stream && !http_1_0;
  if (response.stream && http_1_0) connection.close_after_response();
  const bool has_body = method != "HEAD" && response.status != kNoContent;
  const bool follows = has_body && (response.stream || !response.body.empty());
  if (!connection.send(head_of(response, chunked, connection.is_last()), follows)) return false;
  if (!follows) return true;
  return response.stream ? write_stream(connection, *response.stream, chunked) : connection.send(response.body);
}

}  // namespace stratoscope::server
