#include "stratoscope/base/cores.h"

#include <omp.h>
#include <sched.h>

#include <cstddef>

namespace stratoscope {
namespace {

// Of the calling thread: the runtime has a team for each thread that starts parallel work.
struct Team {
  cpu_set_t allowed{};  // to all of it, from outside
  int placed = 0;       // threads that have a core each now, or 0
  int others = 0;       // threads whose cores were given last, without the calling one
};

cpu_set_t one_of(const cpu_set_t& cores, int number) {
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &cores) && number-- == 0) CPU_SET(core, &one);
  return one;
}

void move_to(const cpu_set_t& cores) { ::sched_setaffinity(0, sizeof cores, &cores); }

}  // namespace

int give_cores(int threads) {
  thread_local Team team;
  const int before = team.placed;
  if (threads == before) return before;
  if (before > 0) move_to(team.allowed);
  team.placed = 0;
  if (threads < 2 || omp_in_parallel() != 0) return before;  // within other work there is no team
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return before;  // more cores than a mask holds
  const bool each = CPU_COUNT(&allowed) == threads && omp_get_proc_bind() == omp_proc_bind_false;
  if (!each && team.others == 0) return before;
  if (each && team.others == threads - 1 && CPU_EQUAL(&allowed, &team.allowed)) {
    move_to(one_of(allowed, 0));
  } else {
#pragma omp parallel num_threads(threads)
    move_to(each ? one_of(allowed, omp_get_thread_num()) : allowed);
    team.others = each ? threads - 1 : 0;
    team.allowed = allowed;
  }
  if (each) team.placed = threads;
  return before;
}

}  // namespace stratoscope
