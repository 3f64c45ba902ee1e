// Who may talk to the server: the right host name, no other hook point's page, a token where others can reach it.
#pragma once

#include <string>
#include <vector>

#include "apps/server/http/message.h"

namespace stratoscope::server {

struct Guard {
  std::vector<std::string> names;         // that requests may use for this server, beside those of loopback
  std::vector<std::string> proxies = {};  // further names, of machines that hand requests on; their pages may ask too
  std::string token = {};                 // empty on loopback: none is required

  // Of a request's head, before its body is read. Throws Refusal: 421 for a foreign host name (DNS rebinding), 403 for
  // another hook point's page, 401 without the token, 405, 414 and 415 for what no route would read. A token is
  // required for every address of the machine but loopback's, so that with one any address in place of a name is the
  // right one.
  void check(const Request& head) const;
};

// What every answer carries: a strict content policy, no sniffing, no framing.
const Headers& protective_headers();
// 32 random letters and digits. Throws Error where the system has no randomness.
std::string new_token();
// Throws Error for what is neither NAME nor NAME:PORT.
void check_host(const std::string& written);
// Throws Error for a token that no header can carry.
void check_token(const std::string& token);

}  // namespace stratoscope::server
