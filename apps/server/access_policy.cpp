#include "apps/server/access_policy.h"

#include <strings.h>
#include <sys/random.h>

#include <algorithm>
#include <array>

#include "apps/server/http/address.h"
#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {
namespace {

// A host of a URL, in lower case and without the dot that a name may end in.
struct Host {
  std::string name, port;
};

// Parses "name" or "name:port"; empty where the port is not a number.
Host read_host(const std::string& written) {
  const std::size_t colon = written.find(':', written.starts_with('[') ? written.find(']') : 0);
  Host host{written.substr(0, colon), colon == std::string::npos ? "" : written.substr(colon + 1)};
  if (host.port.find_first_not_of("0123456789") != std::string::npos) return {};
  if (host.name.ends_with('.')) host.name.pop_back();
  std::transform(host.name.begin(), host.name.end(), host.name.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
  return host;
}

bool is_among(const std::vector<std::string>& names, const Host& host) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const Host allowed = read_host(name);
    return allowed.name == host.name && (allowed.port.empty() || allowed.port == host.port);
  });
}

// In a time that does not depend on the position of the first difference.
bool equals_in_constant_time(const std::string& a, const std::string& b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b.empty() ? 0 : b[i % b.size()]);
  return difference == 0;
}

bool is_bearer(const std::string& authorization, const std::string& token) {
  constexpr std::string_view kScheme = "Bearer ";
  return ::strncasecmp(authorization.c_str(), kScheme.data(), kScheme.size()) == 0 &&
         equals_in_constant_time(authorization.substr(kScheme.size()), token);
}

// With parameters or without: "application/json; charset=utf-8".
bool is_json(const std::string& type) {
  constexpr std::string_view kType = "application/json";
  return ::strncasecmp(type.c_str(), kType.data(), kType.size()) == 0 &&
         (type.size() == kType.size() || type[kType.size()] == ';' || type[kType.size()] == ' ');
}

}  // namespace

void AccessPolicy::check(const Request& head) const {
  constexpr std::array<std::string_view, 5> kMethods = {"GET", "HEAD", "POST", "PATCH", "DELETE"};
  if (head.target.size() > kTargetBytes)
    throw HttpError(414, "request",
                    "the address is longer than the limit of " + std::to_string(kTargetBytes) + " bytes");
  const std::string written = head.headers.get("Host");
  const Host host = read_host(written);
  const bool known_host = !host.name.empty() && (is_loopback(host.name) || is_among(names, host) ||
                                                 is_among(proxies, host) || (!token.empty() && is_address(host.name)));
  if (head.headers.count("Host") != 1 || !known_host)
    throw HttpError(421, "request", "this server is not " + in_quotes(written),
                    "open the address that it printed, or start it with --allow-host");
  // A reverse proxy may use another scheme towards the browser and may replace the Host header.
  const std::string origin = head.headers.get("Origin");
  const std::string fetch_site = head.headers.get("Sec-Fetch-Site");
  const std::string origin_host = origin.substr(origin.starts_with("https://")  ? 8
                                                : origin.starts_with("http://") ? 7
                                                                                : 0);
  const bool own_page = origin_host != origin && (origin_host == written || is_among(proxies, read_host(origin_host)));
  const bool cross_site = head.headers.count("Origin") > 1 || (!origin.empty() && !own_page) ||
                          fetch_site == "cross-site" || fetch_site == "same-site";
  const bool navigation = head.method == "GET" && head.path == "/" && origin.empty();
  if (cross_site && !navigation)
    throw HttpError(403, "request", "pages of other sites may not send requests to this server");
  if (std::find(kMethods.begin(), kMethods.end(), head.method) == kMethods.end())
    throw HttpError(405, "request", in_quotes(head.method) + " is not a method of this server");
  if (!head.path.starts_with("/api/")) return;  // the page itself needs no token
  if (!token.empty() && !is_bearer(head.headers.get("Authorization"), token))
    throw HttpError(401, "request", "needs the token", "send the header 'Authorization: Bearer TOKEN'");
  if (head.headers.count("Content-Encoding") > 0)
    throw HttpError(415, "request", "the body must not be compressed", "leave Content-Encoding out");
  if (head.method == "POST" && !is_json(head.headers.get("Content-Type")))
    throw HttpError(415, "request", "the body must be JSON", "send the header 'Content-Type: application/json'");
}

const Headers& security_headers() {
  static const Headers headers = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
       "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cross-Origin-Opener-Policy", "same-origin"}};
  return headers;
}

std::string new_token() {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEF0123456789GHIJKLMNOPQRSTUVWXYZ_-";
  static_assert(kLetters.size() == 64);
  std::string bytes(32, '\0');
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw Error("serve", "the system has no random numbers for a token", "choose one with --token");
  for (char& c : bytes) c = kLetters[static_cast<unsigned char>(c) % kLetters.size()];
  return bytes;
}

void check_host(const std::string& written) {
  const Host host = read_host(written);
  const std::string letters = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
  const bool is_name = !host.name.empty() && host.name.find_first_not_of(letters) == std::string::npos;
  constexpr std::size_t kPortDigits = 5;
  const bool ends = !written.ends_with(':') && host.port.size() <= kPortDigits;
  if ((!is_name && !is_address(host.name)) || !ends)
    throw Error("serve", "--allow-host " + in_quotes(written) + " is not a host name",
                "such as hub.example or hub.example:8000");
}

void check_token(const std::string& token) {
  const bool visible = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7F'; });
  if (!visible || token.size() > kTokenBytes)
    throw Error("serve", "the token must be at most " + std::to_string(kTokenBytes) +
                             " printable ASCII characters, without spaces");
}

}  // namespace stratoscope::server
