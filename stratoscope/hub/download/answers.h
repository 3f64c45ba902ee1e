// What the hub's refusals mean for the user, and what to do about each.
#pragma once

#include <string>

#include "stratoscope/hub/download/http.h"
#include "stratoscope/hub/download/settings.h"

namespace stratoscope {

// What was asked for when the hub refused.
struct Asked {
  std::string repository;
  std::string revision;
  std::string file;  // empty: the repository itself
};

// Throws Error, or PassingFault for a status that may pass (408, 429, 5xx). `address` is who answered; `from_hub` says
// whether that is the hub itself, and not a server that it redirects to.
[[noreturn]] void refuse(const HttpResponse& response, const HubSettings& settings, const Asked& asked,
                         const std::string& address, bool from_hub);

}  // namespace stratoscope
