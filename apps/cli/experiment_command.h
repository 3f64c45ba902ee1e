// An experiment as a command: options from its fields, and the ending that all of them share: warnings, figure, record,
// document, and what people read.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "apps/cli/options.h"
#include "stratoscope/experiments/experiment.h"
#include "stratoscope/experiments/typed_experiment.h"

namespace stratoscope::cli {

// What a command adds to its experiment.
struct Presentation {
  // Prints the result for people. Without it the document is printed.
  std::function<void(const Session&, const ExperimentRequest&, const ExperimentResult&)> print = {};
  // Before a run whose result people read as it comes, or wait for.
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
