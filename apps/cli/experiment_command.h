// An experiment as a command: its options are made from the request's fields, and its last steps are common to all
// experiments: warnings, figure, record, and the document or the printed result.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "apps/cli/options.h"
#include "stratoscope/experiments/experiment.h"
#include "stratoscope/experiments/typed_experiment.h"

namespace stratoscope::cli {

// The parts of a command that are particular to its experiment.
struct Presentation {
  // Prints the result as text. Without this function the document is printed.
  std::function<void(const Session&, const ExperimentRequest&, const ExperimentResult&)> print = {};
  // Is called before a run, to print the result while it is computed, or the expected time.
  std::function<void(const Session&, ExperimentRequest&)> prepare = {};
};

template <class Request, class Result>
Presentation present(void (*print)(const Session&, const Request&, const Result&),
                     void (*prepare)(const Session&, Request&) = nullptr) {
  Presentation presentation;
  presentation.print = [print](const Session& session, const ExperimentRequest& request,
                               const ExperimentResult& result) {
    print(session, dynamic_cast<const TypedRequest<Request, Result>&>(request).request(),
          dynamic_cast<const TypedResult<Request, Result>&>(result).result());
  };
  if (prepare != nullptr)
    presentation.prepare = [prepare](const Session& session, ExperimentRequest& request) {
      prepare(session, dynamic_cast<TypedRequest<Request, Result>&>(request).request());
    };
  return presentation;
}

void add_experiment(CLI::App& app, Program& program, const Experiment& experiment, Presentation presentation);

}  // namespace stratoscope::cli
