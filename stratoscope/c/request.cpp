// Experiments by their names.
#include <nlohmann/json.hpp>
#include <utility>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/names.h"
#include "stratoscope/c/call.h"
#include "stratoscope/c/callbacks.h"
#include "stratoscope/c/handles.h"
#include "stratoscope/experiments/experiment.h"
#include "stratoscope/request/json_fields.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope::c {
namespace {

std::string description_of_all() {
  Json all = Json::array();
  for (const Experiment& experiment : all_experiments()) {
    const auto request = experiment.begin();
    all.push_back({{"name", experiment.name},
                   {"summary", experiment.summary},
                   {"keys", experiment.keys},
                   {"has_figure", experiment.has_figure},
                   {"schema", schema_of(request->fields())}});
  }
  return all.dump();
}

const Experiment& experiment_named(const std::string& name) {
  std::vector<std::string> names;
  for (const Experiment& experiment : all_experiments()) {
    if (experiment.name == name) return experiment;
    names.push_back(experiment.name);
  }
  throw StatusError(STRATOSCOPE_UNKNOWN, "experiment", "there is no " + in_quotes(name), did_you_mean(name, names));
}

// The figure, or the reason why the result has none.
void keep_figure(const ExperimentResult& from, stratoscope_result& result) {
  try {
    result.figure = from.figure();
  } catch (const Error& error) {
    result.why_no_figure =
        std::make_exception_ptr(StatusError(STRATOSCOPE_USAGE, error.where(), error.problem(), error.hint()));
  }
}

std::unique_ptr<stratoscope_result> run_experiment(const Session& session, const Experiment& experiment,
                                                   const nlohmann::json& body, CallerProgress& progress) {
  const std::unique_ptr<ExperimentRequest> request = experiment.begin();
  read_json(request->fields(), body);
  request->check();
  if (progress.takes_events())
    request->stream([&progress](const std::string& event, const Document& data) {
      progress.event(event, json_of(data).dump(-1, ' ', false, Json::error_handler_t::replace));
    });
  auto result = std::make_unique<stratoscope_result>();
  result->experiment = experiment.name;
  const std::unique_ptr<ExperimentResult> made = request->run(session);
  result->json = made->document().text();
  for (NamedValues& values : made->arrays()) result->arrays.take(std::move(values));
  keep_figure(*made, *result);
  return result;
}

}  // namespace
}  // namespace stratoscope::c

using stratoscope::c::call;
using stratoscope::c::CallerProgress;
using stratoscope::c::check_pointer;
using stratoscope::c::description_of_all;
using stratoscope::c::experiment_named;
using stratoscope::c::run_experiment;

const char* stratoscope_experiments(void) {
  const char* text = nullptr;
  call([&text] {
    static const std::string all = description_of_all();
    text = all.c_str();
  });
  return text;
}

int stratoscope_request(const stratoscope_model* model, const char* experiment, const char* request,
                        const stratoscope_callbacks* callbacks, stratoscope_result** result) {
  return call([&] {
    check_pointer(model, "model");
    check_pointer(experiment, "experiment");
    check_pointer(result, "result");
    CallerProgress progress(callbacks);
    const stratoscope::CancellationScope scope(&progress);
    const stratoscope::Session session = model->session.with_progress(&progress);
    const nlohmann::json body =
        request == nullptr ? nlohmann::json::object() : stratoscope::parse_json(request, "request", "the request");
    *result = run_experiment(session, experiment_named(experiment), body, progress).release();
  });
}

int stratoscope_tokenize(const stratoscope_model* model, const char* text, stratoscope_result** result) {
  return call([&] {
    check_pointer(model, "model");
    check_pointer(text, "text");
    check_pointer(result, "result");
    CallerProgress silent(nullptr);
    const stratoscope::CancellationScope scope(&silent);
    *result = run_experiment(model->session, experiment_named("tokens"), {{"text", text}}, silent).release();
  });
}
