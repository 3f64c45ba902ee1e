// Several transfers at once, seen and stopped from one place.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "stratoscope/base/progress.h"
#include "stratoscope/hub/download/retry.h"

namespace stratoscope {

// How far each of several files is. For any number of threads.
class Board {
 public:
  // Returns the part's number.
  std::size_t add(const std::string& name, std::uint64_t total);
  void set_done(std::size_t part, std::uint64_t done);
  void set_note(std::size_t part, const std::string& note);
  std::vector<ProgressPart> parts() const;

 private:
  mutable std::mutex mutex_;
  std::vector<ProgressPart> parts_;
};

// The wish to stop, for any number of threads.
class Stop {
 public:
  void request() { wanted_.store(true, std::memory_order_relaxed); }
  bool is_wanted() const { return wanted_.load(std::memory_order_relaxed); }
  void throw_if_wanted() const {
    if (is_wanted()) throw Interrupted();
  }
  // Throws Interrupted as soon as it is wanted.
  void wait(std::chrono::milliseconds time) const;

 private:
  std::atomic<bool> wanted_ = false;
};

// Calls job(i, thread) for every i < count, in order, on threads counted from 0; meanwhile tick() ten times a second on
// this one. The first exception of a job or of tick() stops the others and is thrown when all have ended.
using Job = std::function<void(std::size_t i, std::size_t thread)>;
void run_side_by_side(std::size_t count, std::size_t threads, Stop& stop, const Job& job,
                      const std::function<void()>& tick);

}  // namespace stratoscope
