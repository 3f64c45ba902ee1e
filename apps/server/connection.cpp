#include "apps/server/connection.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "apps/server/limits.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kHeaderBytes = 64 * 1024, kDrainedBytes = 1024 * 1024;
thread_local Connection* current_connection = nullptr;

void address_of(const sockaddr_storage& address, std::string& ip, int& port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &address, sizeof four);
    ::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    port = ntohs(four.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &address, sizeof six);
    ::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
    port = ntohs(six.sin6_port);
  }
  ip = text.data();
}

}  // namespace

Connection::Connection(int socket) : socket_(socket), outer_(current_connection) { current_connection = this; }

// Closing with bytes unread would reset the connection, and the client might lose the answer.
Connection::~Connection() {
  current_connection = outer_;
  ::shutdown(socket_, SHUT_WR);
  const auto until = Clock::now() + std::chrono::milliseconds(500);
  for (std::size_t drained = 0; last_ && drained < kDrainedBytes && wait(POLLIN, until);) {
    const ssize_t count = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (count <= 0) break;
    drained += static_cast<std::size_t>(count);
  }
  ::close(socket_);
}

Connection* Connection::current() { return current_connection; }

bool Connection::wait(short events, Clock::time_point until) const {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd watched{socket_, events, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::clamp<long>(left, 0, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (left <= 0) return false;
  }
}

bool Connection::wait_for_request(const std::atomic<bool>& stopping) {
  const auto until = Clock::now() + kIdleTime;
  read_ = 0;
  most_ = kBodyBytes + kHeaderBytes;
  while (begin_ == end_) {
    if (stopping.load() || Clock::now() > until) return false;
    if (!wait(POLLIN, std::min(until, Clock::now() + std::chrono::milliseconds(100)))) continue;
    if (peer_is_gone()) return false;
    break;
  }
  deadline_ = Clock::now() + kRequestTime;
  return true;
}

bool Connection::peer_is_gone() const {
  char byte = 0;
  const ssize_t count = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

ssize_t Connection::read(char* bytes, std::size_t size) {
  if (begin_ == end_) {
    if (over_limit() || Clock::now() > deadline_ || !wait(POLLIN, deadline_)) return -1;
    const ssize_t count = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (count <= 0) return count;
    begin_ = 0;
    end_ = static_cast<std::size_t>(count);
    read_ += end_;
  }
  const std::size_t count = std::min(size, end_ - begin_);
  std::memcpy(bytes, buffer_.data() + begin_, count);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t Connection::write(const char* bytes, std::size_t size) {
  if (!wait(POLLOUT, Clock::now() + kAnswerTime)) return -1;
  return ::send(socket_, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0) address_of(address, ip, port);
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0) address_of(address, ip, port);
}

}  // namespace stratoscope::server
