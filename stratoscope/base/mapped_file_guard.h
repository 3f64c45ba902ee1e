// For programs that want to live on when a file that is mapped loses its pages: somebody truncates it, or its disk
// fails. Reading such a page is the signal SIGBUS, which ends a process that does nothing about it.
#pragma once

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// From now on pages of a model's file that cannot be read any more hold zeros, and what was reading them ends in an
// Error that names the file. Takes the place of the process's handler of SIGBUS, so it is for a program to call, once;
// the library never does. A SIGBUS from anywhere else has the effect that it had before.
void guard_mapped_files();

}  // namespace stratoscope
