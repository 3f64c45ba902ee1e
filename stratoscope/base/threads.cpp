#include "stratoscope/base/threads.h"

#include <omp.h>

#include <atomic>
#include <exception>

namespace stratoscope {

int available_threads() { return omp_get_num_procs(); }

ThreadScope::ThreadScope(int count) : previous_(omp_get_max_threads()) {
  omp_set_num_threads(count > 0 ? count : available_threads());
}

ThreadScope::~ThreadScope() { omp_set_num_threads(previous_); }

void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body) {
  if (count <= 1) {
    if (count == 1) body(0);
    return;
  }
  std::exception_ptr error;
  std::atomic<bool> failed{false};
#pragma omp parallel for schedule(dynamic, 1)
  for (std::size_t i = 0; i < count; ++i) {
    if (failed.load(std::memory_order_relaxed)) continue;
    try {
      body(i);
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace stratoscope
