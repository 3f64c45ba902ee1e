#include "stratoscope/base/cores.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace stratoscope {
namespace {

// Of the calling thread: the runtime has a team for each thread that starts parallel work.
struct Team {
  cpu_set_t allowed{};     // to all of it, from outside
  int placed = 0;          // threads that have a core each now, or 0
  bool has_bound = false;  // others of it, which may still live
};

// Among which cores this thread was given one; 0 while it is free.
thread_local int given_of = 0;

void move_to(const cpu_set_t& cores, int given) {
  ::sched_setaffinity(0, sizeof cores, &cores);
  given_of = given;
}

// The cores one by one, beginning with that of the calling thread.
std::vector<cpu_set_t> each_of(const cpu_set_t& cores) {
  std::vector<cpu_set_t> each;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &cores)) {
      CPU_ZERO(&each.emplace_back());
      CPU_SET(core, &each.back());
    }
  const int own = std::max(0, ::sched_getcpu());
  const auto first =
      std::find_if(each.begin(), each.end(), [own](const cpu_set_t& one) { return CPU_ISSET(own, &one); });
  std::rotate(each.begin(), first, each.end());
  return each;
}

}  // namespace

int give_cores(int threads) {
  thread_local Team team;
  const int before = team.placed;
  if (threads == before) return before;
  if (before > 0) move_to(team.allowed, 0);
  team.placed = 0;
  if (threads < 2 || omp_in_parallel() != 0) return before;  // within other work there is no team
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return before;  // more cores than a mask holds
  const bool each = CPU_COUNT(&allowed) == threads && omp_get_proc_bind() == omp_proc_bind_false;
  if (!each && !team.has_bound) return before;
  const std::vector<cpu_set_t> cores = each_of(allowed);
  // Each time: who was in the team may be gone, and a new one has the cores of the thread that starts it.
#pragma omp parallel num_threads(threads)
  if (each)
    move_to(cores[static_cast<std::size_t>(omp_get_thread_num())], threads);
  else
    move_to(allowed, 0);
  team.allowed = allowed;
  team.has_bound = each;
  if (each) team.placed = threads;
  return before;
}

int available_cores() { return given_of > 0 ? given_of : omp_get_num_procs(); }

}  // namespace stratoscope
