// For programs that must survive the loss of pages of a mapped file, by truncation or a failing disk. Reading such a
// page raises SIGBUS, which by default ends the process.
#pragma once

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// From now on unreadable pages of a model's file read as zeros, and the operation that reads them ends in an Error with
// the file's name. Replaces the SIGBUS handler of the process, so a program may call it once; the library never does.
// Other causes of SIGBUS go to the previous handler.
void guard_mapped_files();

}  // namespace stratoscope
