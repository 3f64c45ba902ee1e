// An experiment as one JSON document, the form in which it is saved, exported, imported, and run by others:
//   {"stratoscope": "experiment", "version", "model": {"name", "hash"}, "text", "bos", "edits": [...], "corrupt",
//    "sweep": {"edits", "axes", "targets", "metric"} or absent, "note", "state"}
// and what --record writes ("record", "command", "options", "precision", "isa", "result"), so that `replay` runs it.
#pragma once

#include <string>

#include "apps/server/store.h"

namespace stratoscope::server {

// Throws Refusal (400) that says what is missing or wrong, 413 for one that is too long.
SavedExperiment read_experiment(const std::string& body);

}  // namespace stratoscope::server
