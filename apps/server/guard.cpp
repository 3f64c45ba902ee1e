#include "apps/server/guard.h"

#include <sys/random.h>

#include <algorithm>
#include <charconv>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kTargetBytes = 2000;

// "name:port" without the port; IPv6 addresses keep their brackets.
std::string host_name(const std::string& host, std::string* port) {
  const std::size_t colon = host.find(':', host.starts_with('[') ? host.find(']') : 0);
  if (colon == std::string::npos) return host;
  *port = host.substr(colon + 1);
  return host.substr(0, colon);
}

bool same(const std::string& a, const std::string& b) {  // in a time that does not depend on where they differ
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b.empty() ? 0 : b[i % b.size()]);
  return difference == 0;
}

void check_length(const httplib::Request& request) {
  const std::string written = request.get_header_value("Content-Length");
  if (written.empty()) return;
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), length);
  if (error != std::errc() || end != written.data() + written.size())
    throw Refusal(400, "request", "Content-Length is no number");
  if (length > kBodyBytes)
    throw Refusal(
        413, "request",
        "the body has " + std::to_string(length) + " bytes, more than the limit of " + std::to_string(kBodyBytes));
}

}  // namespace

void Guard::check(const httplib::Request& request) const {
  if (request.target.size() > kTargetBytes)
    throw Refusal(414, "request", "the address is longer than the limit of " + std::to_string(kTargetBytes) + " bytes");
  const std::string host = request.get_header_value("Host");
  std::string asked_port = "80";
  const std::string name = host_name(host, &asked_port);
  const bool ours = name == "localhost" || name == "127.0.0.1" || name == "[::1]" ||
                    std::find(hosts.begin(), hosts.end(), name) != hosts.end();
  if (request.get_header_value_count("Host") != 1 || !ours || asked_port != std::to_string(port))
    throw Refusal(421, "request", "this server is not " + in_quotes(host), "open the address that it printed");
  const std::string origin = request.get_header_value("Origin");
  const std::string site = request.get_header_value("Sec-Fetch-Site");
  const bool foreign = (!origin.empty() && origin != "http://" + host) || site == "cross-site" || site == "same-site";
  const bool navigation = request.method == "GET" && request.path == "/" && origin.empty();
  if (foreign && !navigation) throw Refusal(403, "request", "pages of other sites may not talk to this server");
  if (!request.path.starts_with("/api/")) return;  // the page itself holds no secret
  if (!token.empty() && !same(request.get_header_value("Authorization"), "Bearer " + token))
    throw Refusal(401, "request", "needs the token", "send the header 'Authorization: Bearer TOKEN'");
  check_length(request);
  if (request.method == "POST" && !request.get_header_value("Content-Type").starts_with("application/json"))
    throw Refusal(415, "request", "the body must be JSON", "send the header 'Content-Type: application/json'");
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

httplib::Headers protective_headers() {
  return {{"Content-Security-Policy",
           "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
           "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"X-Frame-Options", "DENY"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Resource-Policy", "same-origin"},
          {"Cross-Origin-Opener-Policy", "same-origin"}};
}

std::string new_token() {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEF0123456789GHIJKLMNOPQRSTUVWXYZ_-";
  static_assert(kLetters.size() == 64);
  std::string bytes(32, '\0');
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw Error("serve", "the system gives no random numbers for a token", "choose one with --token");
  for (char& c : bytes) c = kLetters[static_cast<unsigned char>(c) % kLetters.size()];
  return bytes;
}

}  // namespace stratoscope::server
