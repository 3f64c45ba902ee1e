#include "apps/server/http/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kHostNameBytes = 256;

const sockaddr_in& four(const sockaddr_storage& address) { return reinterpret_cast<const sockaddr_in&>(address); }
const sockaddr_in6& six(const sockaddr_storage& address) { return reinterpret_cast<const sockaddr_in6&>(address); }

bool is_local(const in_addr& address) { return (ntohl(address.s_addr) >> 24) == 127; }

bool is_local(const in6_addr& address) {
  if (IN6_IS_ADDR_LOOPBACK(&address)) return true;
  in_addr mapped{};
  std::memcpy(&mapped, address.s6_addr + 12, sizeof mapped);
  return IN6_IS_ADDR_V4MAPPED(&address) && is_local(mapped);
}

std::optional<in_addr> read_four(const std::string& name) {
  in_addr address{};
  return ::inet_pton(AF_INET, name.c_str(), &address) == 1 ? std::optional(address) : std::nullopt;
}

std::optional<in6_addr> read_six(const std::string& name) {
  if (name.size() < 2 || name.front() != '[' || name.back() != ']') return std::nullopt;
  in6_addr address{};
  return ::inet_pton(AF_INET6, name.substr(1, name.size() - 2).c_str(), &address) == 1 ? std::optional(address)
                                                                                       : std::nullopt;
}

}  // namespace

sockaddr_storage resolve(const std::string& written, int port) {
  const bool in_brackets = written.starts_with('[') && written.ends_with(']');
  const std::string host = in_brackets ? written.substr(1, written.size() - 2) : written;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  // A null byte would end the name early.
  const bool is_name = !host.empty() && host.size() < kHostNameBytes && host.find('\0') == std::string::npos;
  if (!is_name || ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    throw Error("serve", in_quotes(written) + " is not an address of this machine",
                "--host 127.0.0.1 serves this machine alone");
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  sockaddr_storage address{};
  std::memcpy(&address, found->ai_addr, found->ai_addrlen);
  return address;
}

std::string as_text(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &four(address).sin_addr, text.data(), text.size());
    return text.data();
  }
  if (address.ss_family != AF_INET6) return {};
  ::inet_ntop(AF_INET6, &six(address).sin6_addr, text.data(), text.size());
  return "[" + std::string(text.data()) + "]";
}

int port_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return ntohs(four(address).sin_port);
  return address.ss_family == AF_INET6 ? ntohs(six(address).sin6_port) : 0;
}

bool is_loopback(const sockaddr_storage& address) {
  return address.ss_family == AF_INET ? is_local(four(address).sin_addr) : is_local(six(address).sin6_addr);
}

bool is_wildcard(const sockaddr_storage& address) {
  return address.ss_family == AF_INET ? four(address).sin_addr.s_addr == htonl(INADDR_ANY)
                                      : IN6_IS_ADDR_UNSPECIFIED(&six(address).sin6_addr);
}

bool is_address(const std::string& name) { return read_four(name) || read_six(name); }

bool is_loopback(const std::string& name) {
  if (name == "localhost") return true;
  if (const auto address = read_four(name)) return is_local(*address);
  const auto address = read_six(name);
  return address && is_local(*address);
}

std::vector<std::string> names_of_this_machine() {
  std::array<char, kHostNameBytes> text{};
  if (::gethostname(text.data(), text.size() - 1) != 0 || text[0] == '\0') return {};
  const std::string whole = text.data(), first = whole.substr(0, whole.find('.'));
  std::vector<std::string> names = {whole, first + ".local"};
  if (first != whole) names.push_back(first);
  return names;
}

std::vector<std::string> addresses_of_this_machine() {
  ifaddrs* found = nullptr;
  std::vector<std::string> addresses;
  if (::getifaddrs(&found) != 0) return addresses;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(found, ::freeifaddrs);
  for (const ifaddrs* entry = found; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0 || (entry->ifa_flags & IFF_LOOPBACK) != 0)
      continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    sockaddr_storage address{};
    std::memcpy(&address, entry->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    // A link-local address is not usable without the name of an interface.
    if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&six(address).sin6_addr)) continue;
    addresses.push_back(as_text(address));
  }
  return addresses;
}

}  // namespace stratoscope::server
