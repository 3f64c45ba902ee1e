// An error message for the case that a library ends the process or crashes because memory ran out.
#pragma once

namespace stratoscope::cli {

// Call once, before everything else. Until work_is_over() is called, a crash from lack of memory, an uncaught
// exception, and an exit() called by a library each end with one error line and status 1. Other crashes are not
// changed. Where the address space is limited (ulimit -v), threads are also made to need less of it.
void prepare_for_the_worst();
void work_is_over();

// "memory: there is not enough; …", with the limit if there is one.
const char* no_memory_message();

}  // namespace stratoscope::cli
