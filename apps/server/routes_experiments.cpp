// POST /api/NAME runs an experiment: the body has the fields of its request, the answer is the document that the
// command line prints with --json; with ?figure=svg its figure.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "apps/server/edit_errors.h"
#include "apps/server/experiment_limits.h"
#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "apps/server/routes.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/names.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope::server {
namespace {

// Every other experiment has low priority: it takes long, and yields to the others.
JobPriority priority_of(const Experiment& experiment, ExperimentRequest& request) {
  static const std::map<std::string, JobPriority> quick = {
      {"tokens", JobPriority::high},          {"info", JobPriority::high},          {"predict", JobPriority::high},
      {"activations", JobPriority::high},     {"similarity", JobPriority::high},    {"lens", JobPriority::normal},
      {"attention", JobPriority::normal},     {"attribution", JobPriority::normal}, {"geometry", JobPriority::normal},
      {"distributions", JobPriority::normal}, {"embeddings", JobPriority::high},    {"weights", JobPriority::normal}};
  // Single rows of a lens, and patterns of single heads.
  for (const char* const name : {"depths", "no_scores"})
    if (const Field* const field = request.fields().find(name); field != nullptr && field->is_given)
      return JobPriority::high;
  const auto found = quick.find(experiment.name);
  return found == quick.end() ? JobPriority::low : found->second;
}

// Experiments that need no pass: they answer at once, outside the queue.
bool needs_no_pass(const Experiment& experiment) { return experiment.name == "tokens" || experiment.name == "info"; }

const Experiment& experiment_at(const ServerContext& context, const std::string& path) {
  const auto found = std::find_if(
      context.experiments.begin(), context.experiments.end(),
      [&](const Experiment& experiment) { return experiment.is_served && path == "/api/" + experiment.name; });
  if (found == context.experiments.end())
    throw HttpError(404, "request", "there is no experiment at " + in_quotes(path));
  return *found;
}

// Takes the field "model" out of the body.
std::string take_model(const ServerContext& context, nlohmann::json& body) {
  std::string name = context.models.default_model();
  if (!body.is_object()) return name;
  if (const auto model = body.find("model"); model != body.end() && !model->is_null()) {
    if (!model->is_string()) throw HttpError(400, "request", "field 'model' is not a string");
    name = model->get<std::string>();
  }
  body.erase("model");
  return name;
}

JobResult answer_of(const ExperimentResult& result, bool as_arrays) {
  JobResult answer;
  if (!as_arrays) {
    answer.json = json_of(result.document());
    return answer;
  }
  answer.json = json_of(result.document(DocumentParts::beside_arrays));
  for (const NamedValues& array : result.arrays())
    std::visit(
        [&](const auto& values) {
          std::transform(values.begin(), values.end(), answer.add(array.name, array.shape).values.begin(),
                         [](auto value) { return static_cast<float>(value); });
        },
        array.values);
  return answer;
}

// One experiment that is asked for, as a job.
struct ExperimentWork {
  const Experiment& experiment;
  std::shared_ptr<OpenModel> model;
  std::shared_ptr<ExperimentRequest> request;
  JobOptions options;
  JobPriority priority;

  void run(Job& job) const {
    const Session& session = model->session();
    check_size(experiment, session, *request);
    if (options.figure.is_asked()) request->check_figure(session);
    request->stream([this, &job](const std::string& event, const Document& data) {
      job.emit(event, json_of(data));
      // "start" is emitted within a pass, which holds the model's memory.
      if (priority != JobPriority::high && event != "start") job.yield();
    });
    const auto result = result_of();
    if (options.figure.is_asked())
      job.set_result(file_of(*result->figure(), experiment.name, options.figure, &job));
    else
      job.set_result(answer_of(*result, options.as_arrays));
  }

  // From the text that the model holds open, where the experiment can read it there.
  std::unique_ptr<ExperimentResult> result_of() const {
    const Session& session = model->session();
    const auto text = request->text_to_open();
    if (!text) return request->run(session);
    try {
      const auto open = model->text(text->text, text->options, text->edits);
      return request->run(session, *open);
    } catch (const Interrupted&) {
      throw;
    } catch (const HttpError&) {
      throw;
    } catch (const Error& error) {
      throw numbered(error, session, *text);
    }
  }
};

}  // namespace

std::shared_ptr<Job> submit(ServerContext& context, const std::string& path, nlohmann::json body,
                            const JobOptions& options) {
  const Experiment& experiment = experiment_at(context, path);
  if (options.figure.is_asked() && !experiment.has_figure)
    throw HttpError(400, "request", in_quotes(experiment.name) + " has no figure");
  const std::string model_name = take_model(context, body);
  std::shared_ptr<ExperimentRequest> request = experiment.begin();
  read_json(request->fields(), body, body_limits());
  reject_files(request->fields());
  request->check();
  Progress silent;
  auto model = context.models.open(model_name, silent);
  const JobPriority priority = priority_of(experiment, *request);
  const std::chrono::seconds time = priority == JobPriority::low ? kSweepTime : kJobTime;
  const ExperimentWork work{experiment, std::move(model), std::move(request), options, priority};
  if (needs_no_pass(experiment)) {
    auto job = std::make_shared<Job>(priority, nullptr, options.streams, time);
    job->set_wake_up(options.wake_up);
    job->run_to_completion([&work](Job& self) {
      work.run(self);
      return true;
    });
    return job;
  }
  auto step = [work](Job& job) {
    const ProgressScope scope(*work.model, job);
    work.run(job);
    return true;
  };
  auto job = std::make_shared<Job>(priority, std::move(step), options.streams, time);
  job->set_wake_up(options.wake_up);
  context.queue.submit(options.client, options.slot, job);
  return job;
}

void add_experiment_routes(HttpServer& server, ServerContext& context) {
  for (const Experiment& experiment : context.experiments)
    if (experiment.is_served)
      server.add("POST", "/api/" + experiment.name,
                 [path = "/api/" + experiment.name, &context](const Request& request) {
                   nlohmann::json body = parse_json(request.body, "request", "body", kBodyValues);
                   return respond(context, submit(context, path, std::move(body), job_options(request)), request);
                 });
}

}  // namespace stratoscope::server
