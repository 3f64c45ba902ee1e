// Asks the threads of a server to stop, with a deadline.
#pragma once

#include <atomic>
#include <chrono>

namespace stratoscope::server {

class StopSignal {
 public:
  using Clock = std::chrono::steady_clock;

  // Responses in progress have `time` to finish.
  void set(std::chrono::milliseconds time) { deadline_.store((Clock::now() + time).time_since_epoch()); }
  bool is_set() const { return deadline() != Clock::time_point::max(); }
  Clock::time_point deadline() const { return Clock::time_point(deadline_.load()); }

 private:
  std::atomic<Clock::duration> deadline_{Clock::duration::max()};
};

}  // namespace stratoscope::server
