#include "apps/server/http/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "apps/server/http/address.h"
#include "stratoscope/base/error.h"

namespace stratoscope::server {
namespace {

constexpr int kBacklog = 256;

void enable(int socket, int level, int option) {
  const int yes = 1;
  ::setsockopt(socket, level, option, &yes, sizeof yes);
}

}  // namespace

Listener::Listener(const std::string& host, int port) {
  const sockaddr_storage requested = resolve(host, port);
  const auto* const address = reinterpret_cast<const sockaddr*>(&requested);
  const socklen_t size = requested.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  socket_ = ::socket(requested.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  enable(socket_, SOL_SOCKET, SO_REUSEADDR);
  socklen_t length = sizeof address_;
  if (socket_ < 0 || ::bind(socket_, address, size) != 0 || ::listen(socket_, kBacklog) != 0 ||
      ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address_), &length) != 0) {
    const int reason = errno;
    if (socket_ >= 0) ::close(socket_);
    throw Error("serve", "cannot listen on " + host + " port " + std::to_string(port) + ": " + std::strerror(reason),
                reason == EADDRNOTAVAIL ? "--host takes an address of this machine"
                                        : "is another server there? --port chooses another one, 0 any that is free");
  }
}

Listener::~Listener() { ::close(socket_); }

int Listener::accept(std::chrono::milliseconds time) const {
  pollfd watched{socket_, POLLIN, 0};
  if (::poll(&watched, 1, static_cast<int>(time.count())) <= 0) return -1;
  const int client = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client >= 0)
    enable(client, IPPROTO_TCP, TCP_NODELAY);
  else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
    std::this_thread::sleep_for(time);  // out of file descriptors: the client waits in the backlog
  return client;
}

}  // namespace stratoscope::server
