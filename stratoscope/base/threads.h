// The number of threads for a piece of work, and parallel loops. Results never depend on the number.
#pragma once

#include <sched.h>

#include <cstddef>
#include <functional>
#include <optional>

namespace stratoscope {

// The largest number of threads that a user may ask for.
inline constexpr int kMostThreads = 1024;

// The number of cores that the calling thread may use.
int available_threads();

// The number of threads of loops in the current ThreadScope; within such a loop, the number of threads in it.
int threads_in_scope();

// While it lives, loops of this thread use `count` threads; 0 means all cores. Each thread has its own workers, which
// wait for its next loop and end with it. It has no effect within a loop of several threads.
class ThreadScope {
 public:
  // Throws Error if the system does not provide this number of threads.
  explicit ThreadScope(int count);
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int previous_;
  int previous_placed_;
};

// While it lives, the calling thread runs on all its cores, also where a ThreadScope bound it to one: for foreign code,
// whose own threads would inherit the one core.
class UnboundScope {
 public:
  UnboundScope();
  ~UnboundScope();
  UnboundScope(const UnboundScope&) = delete;
  UnboundScope& operator=(const UnboundScope&) = delete;

 private:
  std::optional<cpu_set_t> bound_;  // the thread's cores before, where it was bound
};

// Calls body(i) once for every i < count, on the threads of the current ThreadScope, or on all cores. Within a loop of
// several threads, the calling thread does all of it. An exception of a body ends the loop and is rethrown here.
void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body);

}  // namespace stratoscope
