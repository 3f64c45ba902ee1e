// Parallel transfers with common progress and cancellation.
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

// The progress of each file. Thread-safe.
class TransferProgress {
 public:
  // Returns the index of the part.
  std::size_t add(const std::string& name, std::uint64_t total);
  void set_done(std::size_t part, std::uint64_t done);
  void set_note(std::size_t part, const std::string& note);
  std::vector<ProgressPart> parts() const;

 private:
  mutable std::mutex mutex_;
  std::vector<ProgressPart> parts_;
};

// A thread-safe request to stop.
class StopRequest {
 public:
  void request() { requested_.store(true, std::memory_order_relaxed); }
  bool is_requested() const { return requested_.load(std::memory_order_relaxed); }
  void throw_if_requested() const {
    if (is_requested()) throw Interrupted();
  }
  // Throws Interrupted after a request to stop.
  void wait(std::chrono::milliseconds time) const;

 private:
  std::atomic<bool> requested_ = false;
};

// Calls job(i, thread) for every i < count, in order, on threads counted from 0, and tick() ten times a second on the
// calling thread. The first exception of a job or of tick() stops the others and is rethrown when all have ended.
using Job = std::function<void(std::size_t i, std::size_t thread)>;
void run_parallel(std::size_t count, std::size_t threads, StopRequest& stop, const Job& job,
                  const std::function<void()>& tick);

}  // namespace stratoscope
