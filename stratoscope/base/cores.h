// The cores on which a thread may run.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <optional>
#include <vector>

namespace stratoscope {

// The cores of the calling thread; nullopt on a machine with more cores than a mask has bits.
std::optional<cpu_set_t> allowed_cores();

// At least 1.
int count_of(const std::optional<cpu_set_t>& cores);

// The cores one by one, that of the calling thread first, the others in an order that changes little if the thread
// moves.
std::vector<cpu_set_t> each_of(const cpu_set_t& cores);

// If the system refuses, the thread stays on its cores.
void move_to(const cpu_set_t& cores, pthread_t thread);

}  // namespace stratoscope
