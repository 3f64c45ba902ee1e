// Getting a model from the Hugging Face hub, for `pull` itself and for every command's --pull.
#pragma once

#include <string>

#include "stratoscope/base/progress.h"

namespace stratoscope::cli {

// Downloads the model where it is not on this machine, or not complete. Throws Error, Interrupted.
void pull_if_missing(const std::string& name, Progress* progress);

}  // namespace stratoscope::cli
