// Which of the machine's cores a thread may run on.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <optional>
#include <vector>

namespace stratoscope {

// The calling thread's; null on a machine with more than a mask holds.
std::optional<cpu_set_t> allowed_cores();

// At least 1.
int count_of(const std::optional<cpu_set_t>& cores);

// The cores one by one, that of the calling thread first and the others in an order that moves few of them when it has
// moved.
std::vector<cpu_set_t> each_of(const cpu_set_t& cores);

// Where the system refuses, the thread stays where it is.
void move_to(const cpu_set_t& cores, pthread_t thread);

}  // namespace stratoscope
