// Downloads of models from the Hugging Face hub, for `pull` itself and for every command's --pull.
#pragma once

#include "stratoscope/session/session.h"

namespace stratoscope::cli {

// The model; it is downloaded first if it is not on this machine, is incomplete, or cannot be read. Throws Error,
// Interrupted.
Session open_or_pull(const SessionOptions& options);

}  // namespace stratoscope::cli
