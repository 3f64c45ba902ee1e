// Access control of the server: its host names, pages of other sites, and a token where other machines can connect.
#pragma once

#include <string>
#include <vector>

#include "apps/server/http/message.h"

namespace stratoscope::server {

struct AccessPolicy {
  std::vector<std::string> names;         // host names of this server, beside those of loopback
  std::vector<std::string> proxies = {};  // host names of reverse proxies; pages from them may send requests
  std::string token = {};                 // empty on loopback, where none is required

  // Checks the head of a request before its body is read. Throws HttpError: 421 for an unknown host name (DNS
  // rebinding), 403 for a page of another site, 401 without the token, 405 for an unknown method, 414 for a long
  // target, 415 for a content type or encoding that no route reads. With a token, any IP address is accepted as the
  // host name.
  void check(const Request& head) const;
};

// Headers of every response: a strict content security policy, no MIME sniffing, no framing.
const Headers& security_headers();
// 32 random letters and digits. Throws Error where the system has no randomness.
std::string new_token();
// Throws Error for a text that is neither NAME nor NAME:PORT.
void check_host(const std::string& written);
// Throws Error for a token that cannot stand in a header.
void check_token(const std::string& token);

}  // namespace stratoscope::server
