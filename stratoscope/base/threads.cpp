#include "stratoscope/base/threads.h"

#include <omp.h>
#include <pthread.h>

#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

#include "stratoscope/base/cores.h"
#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

// The OpenMP runtime ends the process when it cannot start a thread. So as many as it will want are started here first,
// all alive at once; the C library keeps their stacks for those that follow.
void try_threads(int count) {
  thread_local int tried = 1;  // the runtime has a team for each thread that starts parallel work
  if (count <= tried) return;
  std::vector<pthread_t> started;
  started.reserve(static_cast<std::size_t>(count - tried));
  std::mutex all_started;
  int failure = 0;
  {
    const std::lock_guard keep_alive(all_started);
    const auto wait = [](void* gate) -> void* {
      const std::lock_guard released(*static_cast<std::mutex*>(gate));
      return nullptr;
    };
    for (int i = tried; i < count && failure == 0; ++i) {
      pthread_t thread{};
      failure = ::pthread_create(&thread, nullptr, wait, &all_started);
      if (failure == 0) started.push_back(thread);
    }
  }
  for (const pthread_t thread : started) ::pthread_join(thread, nullptr);
  if (failure != 0)
    throw Error("threads",
                std::to_string(count) + " threads cannot be had, only " +
                    std::to_string(tried + static_cast<int>(started.size())) + ": " + std::strerror(failure),
                "use fewer (--threads), or allow this process more memory or threads (ulimit -v, ulimit -u)");
  tried = count;
}

}  // namespace

int available_threads() { return available_cores(); }

ThreadScope::ThreadScope(int count) : previous_(omp_get_max_threads()) {
  const int wanted = count > 0 ? count : available_threads();
  try_threads(wanted);
  omp_set_num_threads(wanted);
  previous_cores_ = give_cores(wanted);
}

ThreadScope::~ThreadScope() {
  omp_set_num_threads(previous_);
  give_cores(previous_cores_);
}

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
