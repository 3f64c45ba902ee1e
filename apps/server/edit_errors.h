// Errors of edits, which name the edit by its place in the request.
#pragma once

#include "stratoscope/base/error.h"
#include "stratoscope/experiments/experiment.h"

namespace stratoscope::server {

// The error with "edit N", counted from 1, as its `where`, if one of the text's edits is invalid by itself; else the
// error as it is.
Error numbered(const Error& error, const Session& session, const TextToOpen& text);

}  // namespace stratoscope::server
