// Translates libcurl's failures for users.
#pragma once

#include <curl/curl.h>

#include <string>

namespace stratoscope {

// Throws PassingFault or Error. `address` is that of the request, `said` libcurl's text, `proxy_status` the proxy's
// response to CONNECT (0: none).
[[noreturn]] void throw_network_error(CURLcode code, const std::string& address, const std::string& said,
                                      long proxy_status);

// Throws Error for the status with which a proxy rejects a request.
[[noreturn]] void throw_proxy_refusal(const std::string& address, long status);

}  // namespace stratoscope
