// An experiment as one JSON document, the format in which it is saved, exported, imported and replayed:
//   {"stratoscope": "experiment", "version", "model": {"name", "hash"}, "text", "bos", "edits": [...], "corrupt",
//    "sweep": {"edits", "axes", "targets", "metric"} or absent, "note", "state"}
// and the fields that --record writes: "record", "edit_language", "command", "options", "precision", "isa", "result".
#pragma once

#include <string>

#include "apps/server/store.h"

namespace stratoscope::server {

// Throws HttpError: 400 for a missing or invalid field, 413 for a document over the limit.
SavedExperiment read_experiment(const std::string& body);

}  // namespace stratoscope::server
