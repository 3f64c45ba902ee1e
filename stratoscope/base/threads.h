// How many threads a piece of work may use, and loops over them. Results never depend on the number.
#pragma once

#include <cstddef>
#include <functional>

namespace stratoscope {

int available_threads();

// While it lives, parallel work started from this thread (ours and oneDNN's, one OpenMP runtime) uses
// `count` threads; 0 means all cores.
class ThreadScope {
 public:
  // Throws Error when the system does not give so many threads.
  explicit ThreadScope(int count);
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int previous_;
  int previous_cores_ = 0;
};

// Calls body(i) for every i < count, each once, on the threads of the surrounding ThreadScope. An exception
// from a body ends the loop and is rethrown here.
void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body);

}  // namespace stratoscope
