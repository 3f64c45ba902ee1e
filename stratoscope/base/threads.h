// How many threads a piece of work may use, and loops over them. Results never depend on the number.
#pragma once

#include <cstddef>
#include <functional>

namespace stratoscope {

// As many as the cores that the calling thread may use.
int available_threads();

// How many threads loops have here by the surrounding ThreadScope; within such a loop, how many work on it.
int threads_in_scope();

// While it lives, loops of this thread use `count` threads; 0 means all cores. Each thread has workers of its own,
// which wait for its next loop and end with it. Within a loop of several threads it changes nothing.
class ThreadScope {
 public:
  // Throws Error when the system does not give so many threads.
  explicit ThreadScope(int count);
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int previous_;
  int previous_placed_;
};

// Calls body(i) for every i < count, each once, on the threads of the surrounding ThreadScope, or all cores'. Within a
// loop of several threads it is done by the calling thread alone. An exception from a body ends the loop and is
// rethrown here.
void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body);

}  // namespace stratoscope
