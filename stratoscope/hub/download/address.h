// Web addresses: their parts, and the targets of redirects.
#pragma once

#include <string>
#include <string_view>

namespace stratoscope {

// "http://…" or "https://…" with a host, and without a user's name.
bool is_web_address(const std::string& address);

// "https://huggingface.co:443": the server of a request, which decides whether it may get a token. Throws Error for an
// invalid address.
std::string origin_of(const std::string& address);
// "huggingface.co", with the port unless it is the default: for display.
std::string host_of(const std::string& address);
// Whether the connection is private: https, or this machine itself.
bool is_private_line(const std::string& address);

// The address of a redirect's Location, absolute or relative. Throws Error for other schemes than http and https, and
// for a redirect from https to http, also on this machine.
std::string redirect_target(const std::string& from, const std::string& location);

// A path with all special characters escaped; slashes stay unless `slashes` is false.
std::string escaped(std::string_view path, bool slashes = true);

}  // namespace stratoscope
