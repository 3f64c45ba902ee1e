#include "stratoscope/base/cores.h"

#include <algorithm>
#include <thread>

namespace stratoscope {

std::optional<cpu_set_t> allowed_cores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return std::nullopt;
  return cores;
}

int count_of(const std::optional<cpu_set_t>& cores) {
  return std::max(1, cores ? CPU_COUNT(&*cores) : static_cast<int>(std::thread::hardware_concurrency()));
}

std::vector<cpu_set_t> each_of(const cpu_set_t& cores) {
  std::vector<cpu_set_t> each;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &cores)) {
      CPU_ZERO(&each.emplace_back());
      CPU_SET(core, &each.back());
    }
  const int own = std::max(0, ::sched_getcpu());
  const auto found =
      std::find_if(each.begin(), each.end(), [own](const cpu_set_t& one) { return CPU_ISSET(own, &one); });
  if (found != each.end()) std::iter_swap(each.begin(), found);
  return each;
}

void move_to(const cpu_set_t& cores, pthread_t thread) { ::pthread_setaffinity_np(thread, sizeof cores, &cores); }

}  // namespace stratoscope
