// Who may talk to the server: the right host name, no other site's page, a token where others can reach it.
#pragma once

#include <httplib.h>

#include <string>
#include <vector>

namespace stratoscope::server {

struct Guard {
  int port = 0;
  std::vector<std::string> hosts;  // names that requests may use beside those of this machine
  std::string token;               // empty on loopback

  // Throws Refusal: 421 for a foreign host name (DNS rebinding), 403 for another site's page, 401 without the token,
  // 413, 414 and 415 for what no route would read.
  void check(const httplib::Request& request) const;
};

// Is bound to addresses of this machine alone.
bool is_loopback(const std::string& host);
// What every answer carries: a strict content policy, no sniffing, no framing.
httplib::Headers protective_headers();
// 32 random letters and digits. Throws Error where the system has no randomness.
std::string new_token();

}  // namespace stratoscope::server
