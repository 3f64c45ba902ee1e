#include "stratoscope/base/threads.h"

#include <pthread.h>

#include <mutex>

#include "stratoscope/base/cores.h"
#include "stratoscope/base/team.h"

namespace stratoscope {
namespace {

// The team of the calling thread.
Team& own_team() {
  static std::once_flag once;
  std::call_once(once, [] { ::pthread_atfork(nullptr, nullptr, [] { own_team().forget_workers(); }); });
  thread_local Team team;
  return team;
}

thread_local int requested = 0;  // by the innermost ThreadScope; 0: the number of cores

}  // namespace

int available_threads() {
  const Team* const team = Team::current();
  return (team != nullptr ? *team : own_team()).cores();
}

int threads_in_scope() {
  if (const Team* const team = Team::current(); team != nullptr) return team->threads_of_loop();
  return requested > 0 ? requested : available_threads();
}

ThreadScope::ThreadScope(int count) : previous_(requested), previous_placed_(own_team().placed()) {
  if (Team::current() != nullptr) return;
  const int threads = count > 0 ? count : available_threads();
  own_team().grow(threads);
  own_team().place(threads);
  requested = threads;
}

ThreadScope::~ThreadScope() {
  if (Team::current() != nullptr) return;
  requested = previous_;
  own_team().place(previous_placed_);
}

UnboundScope::UnboundScope() {
  const auto cores = own_team().cores_of_owner();
  if (!cores) return;
  bound_ = allowed_cores();
  move_to(*cores, ::pthread_self());
}

UnboundScope::~UnboundScope() {
  if (bound_) move_to(*bound_, ::pthread_self());
}

void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body) {
  const int threads = count > 1 && Team::current() == nullptr ? threads_in_scope() : 1;
  if (threads == 1) {
    for (std::size_t i = 0; i < count; ++i) body(i);
    return;
  }
  own_team().grow(threads);  // without a ThreadScope
  own_team().run(count, threads, body);
}

}  // namespace stratoscope
