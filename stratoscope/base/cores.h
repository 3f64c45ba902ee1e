// Which cores threads run on.
#pragma once

namespace stratoscope {

// The calling thread and the rest of its OpenMP team of `threads` get a core each, where there are as many cores as
// threads and the user binds none (OMP_PROC_BIND). Schedulers of virtual machines take a core that sleeps for one that
// is busy, wake the whole team on one core, and leave it there for tens of milliseconds. 0 frees the calling thread;
// the others, which wait for its work alone, stay. Returns what it was called with before, where that had an effect, or
// 0.
int give_cores(int threads);

// Cores that the calling thread may use with its team; one that has been given its own does not lose the others.
int available_cores();

}  // namespace stratoscope
