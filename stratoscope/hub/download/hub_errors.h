// Translates error responses of the hub for users, with a remedy for each.
#pragma once

#include <string>

#include "stratoscope/hub/download/http.h"
#include "stratoscope/hub/download/settings.h"

namespace stratoscope {

// The subject of a request to the hub.
struct HubPath {
  std::string repository;
  std::string revision;
  std::string file;  // empty: the repository itself
};

// Throws Error, or PassingFault for a temporary status (408, 429, 5xx). `address` is that of the response; `from_hub`:
// it is the hub's own, and not that of a server to which it redirects.
[[noreturn]] void throw_response_error(const HttpResponse& response, const HubSettings& settings, const HubPath& path,
                                       const std::string& address, bool from_hub);

}  // namespace stratoscope
