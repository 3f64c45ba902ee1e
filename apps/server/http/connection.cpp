#include "apps/server/http/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "apps/server/http/address.h"

namespace stratoscope::server {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kDrainedBytes = 1024 * 1024;
constexpr milliseconds kDrainTime{500};     // for a client to receive the last response before its socket is closed
constexpr milliseconds kStopPollTime{100};  // between checks whether the server stops

}  // namespace

Connection::Connection(int socket, const StopSignal& stop) : socket_(socket), stop_(stop) {}

// Closing with unread bytes would reset the connection, and the client might lose the response.
Connection::~Connection() {
  ::shutdown(socket_, SHUT_WR);
  const auto until = Clock::now() + kDrainTime;
  for (std::size_t drained = 0; last_ && drained < kDrainedBytes && wait(POLLIN, until);) {
    const ssize_t count = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (count <= 0) break;
    drained += static_cast<std::size_t>(count);
  }
  ::close(socket_);
}

bool Connection::wait(short events, Clock::time_point until) const {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(std::min(until, stop_.deadline()) - Clock::now()).count();
    pollfd watched{socket_, events, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::clamp<long>(left, 0, kStopPollTime.count())));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (left <= 0) return false;
  }
}

bool Connection::wait_for_request() {
  const auto until = Clock::now() + kIdleTime;
  while (received().empty()) {
    if (stop_.is_set() || Clock::now() > until) return false;
    if (!wait(POLLIN, std::min(until, Clock::now() + kStopPollTime))) continue;
    if (client_disconnected()) return false;
    break;
  }
  deadline_ = Clock::now() + kRequestTime;
  return true;
}

bool Connection::receive() {
  if (begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size() || Clock::now() > deadline_ || !wait(POLLIN, deadline_)) return false;
  const ssize_t count = ::recv(socket_, buffer_.data() + end_, buffer_.size() - end_, MSG_DONTWAIT);
  if (count <= 0) return false;
  end_ += static_cast<std::size_t>(count);
  return true;
}

bool Connection::send(std::string_view bytes, bool more) {
  constexpr std::size_t kMinBytesPerSecond = 64 * 1024;  // that a client must accept
  const auto until = Clock::now() + kSendTime + std::chrono::seconds(bytes.size() / kMinBytesPerSecond);
  while (!bytes.empty()) {
    if (!wait(POLLOUT, until)) return false;
    const ssize_t count =
        ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool Connection::client_disconnected() const {
  char byte = 0;
  const ssize_t count = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

std::string Connection::address() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return as_text(address) + ":" + std::to_string(port_of(address));
}

}  // namespace stratoscope::server
