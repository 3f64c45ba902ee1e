// Network addresses, as users and browsers write them.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

namespace stratoscope::server {

// The address of `host`, a name or an IP address (IPv6 also in brackets). Throws Error where it cannot be resolved.
sockaddr_storage resolve(const std::string& host, int port);

// "127.0.0.1", "[::1]": as in a URL. Empty, and port 0, for an address that is neither IPv4 nor IPv6.
std::string as_text(const sockaddr_storage& address);
int port_of(const sockaddr_storage& address);

// Reachable from this machine alone: 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104.
bool is_loopback(const sockaddr_storage& address);
// The wildcard address, which listens on every interface: 0.0.0.0, ::.
bool is_wildcard(const sockaddr_storage& address);

// For host names of a URL: an IPv4 address, or an IPv6 address in brackets.
bool is_address(const std::string& name);
bool is_loopback(const std::string& name);  // a loopback address, or localhost

// The names of this machine in its network: its host name, its first label, and that with ".local".
std::vector<std::string> names_of_this_machine();
// The addresses of this machine's interfaces except loopback and link-local ones.
std::vector<std::string> addresses_of_this_machine();

}  // namespace stratoscope::server
