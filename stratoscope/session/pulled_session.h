// Opening a model that may have to be downloaded first.
#pragma once

#include <optional>

#include "stratoscope/hub/download/pull.h"
#include "stratoscope/session/session.h"

namespace stratoscope {

// A model from the hub, opened as the folder of its snapshot.
struct PulledSession {
  PulledModel model;
  std::optional<Session> session;  // empty if the model cannot be opened
  std::optional<Error> problem;    // the reason why
};

// Existing files are compared with the hub by their sizes; if the model cannot be opened all the same, once by their
// hashes. Throws the errors of pull_model().
PulledSession pull_session(PullOptions options);

// As a command opens a model: downloads it if it is not on this machine, is incomplete, or cannot be read. Throws
// Error, Interrupted.
Session open_or_pull(const SessionOptions& options);

// A downloaded model that cannot be opened.
Error why_unusable(const PulledModel& model, const Error& problem, bool offline);

}  // namespace stratoscope
