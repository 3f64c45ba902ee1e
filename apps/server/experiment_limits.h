// What a server refuses of experiments that others ask for, beyond what their fields say.
#pragma once

#include <string>

#include "stratoscope/experiments/experiment.h"
#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/request/json_fields.h"

namespace stratoscope::server {

// The limits of the body of an experiment.
BodyLimits body_limits();

// Throw HttpError (400) for a vector from a file, with "edit N" as its `where`: no path of a request reaches the file
// system.
void reject_files(const EditExpression& edit, const std::string& where);
void reject_files(const stratoscope::Fields& fields);

// Throws HttpError (400) for a text that is too long for this experiment, and for a sweep with too many grid points or
// with points that read files.
void check_size(const Experiment& experiment, const Session& session, ExperimentRequest& request);

}  // namespace stratoscope::server
