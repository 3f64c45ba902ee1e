// Addresses of machines, as users and browsers write them.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

namespace stratoscope::server {

// Where `host`, a name or an address (IPv6 also in brackets), leads. Throws Error where it leads nowhere.
sockaddr_storage resolve(const std::string& host, int port);

// "127.0.0.1", "[::1]": as it stands in a URL. Nothing, and port 0, for a socket that is not the network's.
std::string as_text(const sockaddr_storage& address);
int port_of(const sockaddr_storage& address);

// Leads to this machine alone: 127.0.0.0/8, ::1, and these as ::ffff:127.0.0.1.
bool is_loopback(const sockaddr_storage& address);
// Listens on every address of the machine: 0.0.0.0, ::.
bool is_every_address(const sockaddr_storage& address);

// Of names as they stand in a URL: an IPv4 address, or an IPv6 address in brackets.
bool is_address(const std::string& name);
bool is_loopback(const std::string& name);  // such an address, or localhost

// What other machines may call this one: its host name, whole and up to the first dot, and that with ".local".
std::vector<std::string> names_of_this_machine();
// Under which other machines reach this one.
std::vector<std::string> addresses_of_this_machine();

}  // namespace stratoscope::server
