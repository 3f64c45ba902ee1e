// Addresses on the web: their parts, and where a redirect leads.
#pragma once

#include <string>
#include <string_view>

namespace stratoscope {

// "http://…" or "https://…" with a host, and without a user's name.
bool is_web_address(const std::string& address);

// "https://huggingface.co:443": who is asked, and so whom a token may be shown to. Throws Error for what is no address.
std::string origin_of(const std::string& address);
// "huggingface.co", with the port where it is not the usual one: for people.
std::string host_of(const std::string& address);
// Whether nobody on the way can read what is sent there: https, or this machine itself.
bool is_private_line(const std::string& address);

// The address that a redirect's Location means, relative or whole. Throws Error for anything but http and https, and
// for a way back from https to http, also to this machine's own servers.
std::string redirect_target(const std::string& from, const std::string& location);

// A path with everything escaped that would end it or mean something else; slashes stay unless `slashes` is false.
std::string escaped(std::string_view path, bool slashes = true);

}  // namespace stratoscope
