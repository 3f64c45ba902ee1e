// Getting a model from the Hugging Face hub, for `pull` itself and for every command's --pull.
#pragma once

#include "stratoscope/session/session.h"

namespace stratoscope::cli {

// The model; downloaded first where it is not on this machine, not complete, or cannot be read. Throws Error,
// Interrupted.
Session open_or_pull(const SessionOptions& options);

}  // namespace stratoscope::cli
