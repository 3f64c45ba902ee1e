// What libcurl's failures mean for the user.
#pragma once

#include <curl/curl.h>

#include <string>

namespace stratoscope {

// Throws PassingFault or Error. `address` was asked, `said` is libcurl's own text, `proxy_status` what a proxy answered
// to the wish to connect (0: nothing).
[[noreturn]] void throw_network_error(CURLcode code, const std::string& address, const std::string& said,
                                      long proxy_status);

// Throws Error for the status with which a proxy refuses a request.
[[noreturn]] void throw_proxy_refusal(const std::string& address, long status);

}  // namespace stratoscope
