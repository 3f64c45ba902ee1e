// What is left to do when a library below us ends the process or crashes because memory ran out: say so.
#pragma once

namespace stratoscope::cli {

// Call once, first thing. From then on until work_is_over(): a crash for want of memory, an exception that nobody
// catches, and an exit() that is not ours each end in one error line and status 1. A crash for any other reason stays
// the crash that it was. Where address space is limited (ulimit -v), threads are also made to need less of it.
void prepare_for_the_worst();
void work_is_over();

// "memory: there is not enough of it; …", with the limit where there is one.
const char* no_memory_message();

}  // namespace stratoscope::cli
