// Tells the threads of a server to end, and when at the latest.
#pragma once

#include <atomic>
#include <chrono>

namespace stratoscope::server {

class StopSignal {
 public:
  using Clock = std::chrono::steady_clock;

  // Answers under way may take `time` more.
  void set(std::chrono::milliseconds time) { last_moment_.store((Clock::now() + time).time_since_epoch()); }
  bool is_set() const { return last_moment() != Clock::time_point::max(); }
  Clock::time_point last_moment() const { return Clock::time_point(last_moment_.load()); }

 private:
  std::atomic<Clock::duration> last_moment_{Clock::duration::max()};
};

}  // namespace stratoscope::server
