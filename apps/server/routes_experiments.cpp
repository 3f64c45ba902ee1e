// POST /api/NAME runs an experiment: the body has the fields of its request, the answer is the document that the
// command line prints with --json; with ?figure=svg its figure.
#include <map>
#include <string>

#include "apps/server/figure_file.h"
#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "apps/server/routes.h"
#include "apps/server/views.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/experiment.h"
#include "stratoscope/experiments/sweep.h"
#include "stratoscope/experiments/typed_experiment.h"
#include "stratoscope/request/json_fields.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope::server {
namespace {

// Every other experiment has low priority: it takes long, and yields to the others.
JobPriority priority_of(const Experiment& experiment) {
  static const std::map<std::string, JobPriority> quick = {
      {"tokens", JobPriority::high},      {"info", JobPriority::high},          {"predict", JobPriority::high},
      {"activations", JobPriority::high}, {"similarity", JobPriority::high},    {"lens", JobPriority::normal},
      {"attention", JobPriority::normal}, {"attribution", JobPriority::normal}, {"geometry", JobPriority::normal}};
  const auto found = quick.find(experiment.name);
  return found == quick.end() ? JobPriority::low : found->second;
}

// Experiments whose work and document grow with the text alone.
bool takes_long_texts(const Experiment& experiment) {
  return experiment.name == "tokens" || experiment.name == "info" || experiment.name == "predict";
}

void reject_long_text(const Experiment& experiment, const Session& session, stratoscope::Fields& fields) {
  const Field* const field = fields.find("text");
  if (field == nullptr || takes_long_texts(experiment)) return;
  TextOptions options;
  options.check_context = false;
  const auto* const* text = std::get_if<std::string*>(&field->target);
  if (text == nullptr || (*text)->empty()) return;
  const std::size_t count = session.read(**text, options).ids.size();
  if (count > kExperimentTokens)
    throw HttpError(400, "text",
                    "has " + std::to_string(count) + " tokens, more than the limit of " +
                        std::to_string(kExperimentTokens) + " for this experiment");
}

// No path from a request reaches the file system.
void reject_vector_files(stratoscope::Fields& fields) {
  for (const Field& field : fields.all())
    if (const auto* const* edits = std::get_if<std::vector<EditExpression>*>(&field.target))
      for (const EditExpression& edit : **edits) reject_files(edit);
}

void check_grids(const Session& session, const SweepExperimentRequest& request) {
  if (request.prompts.empty()) served_axes(session, request.text, request);
  for (const PromptLine& prompt : request.prompts) served_axes(session, prompt.text, request);
}

using SweepTyped = TypedRequest<SweepExperimentRequest, SweptPrompts>;

std::shared_ptr<Job> submit(ServerContext& context, const Experiment& experiment, nlohmann::json body,
                            const FigureFormat& figure, const Request& from, bool streams) {
  std::string name = context.models.default_model();
  if (body.is_object()) {
    if (const auto model = body.find("model"); model != body.end() && !model->is_null()) {
      if (!model->is_string()) throw HttpError(400, "request", "field 'model' is not a string");
      name = model->get<std::string>();
    }
    body.erase("model");
  }
  std::shared_ptr<ExperimentRequest> request = experiment.begin();
  read_json(request->fields(), body, body_limits());
  reject_vector_files(request->fields());
  request->check();
  Progress silent;
  auto model = context.models.open(name, silent);
  const JobPriority priority = priority_of(experiment);
  auto step = [request, model, figure, priority, experiment](Job& job) {
    const ProgressScope scope(*model, job);
    const Session& session = model->session();
    reject_long_text(experiment, session, request->fields());
    if (const auto* const sweep = dynamic_cast<SweepTyped*>(request.get())) check_grids(session, sweep->request());
    if (figure.is_asked()) request->check_figure(session);
    request->stream([&job, priority](const std::string& event, const Document& data) {
      job.emit(event, json_of(data));
      if (priority == JobPriority::low) job.yield();
    });
    const auto result = request->run(session);
    if (figure.is_asked()) {
      job.set_result(file_of(*result->figure(), experiment.name, figure, &job));
    } else {
      JobResult answer;
      answer.json = json_of(result->document());
      job.set_result(std::move(answer));
    }
    return true;
  };
  auto job =
      std::make_shared<Job>(priority, std::move(step), streams, priority == JobPriority::low ? kSweepTime : kJobTime);
  context.queue.submit(client_id(from), checked_slot(from.headers.get("X-Stratoscope-Slot")), job);
  return job;
}

}  // namespace

BodyLimits body_limits() {
  return {.text_bytes = kTextBytes, .expression_bytes = kAxisBytes, .list_entries = kListEntries, .is_served = true};
}

void add_experiment_routes(HttpServer& server, ServerContext& context) {
  for (const Experiment& experiment : context.experiments) {
    if (!experiment.is_served) continue;
    server.add("POST", "/api/" + experiment.name, [&experiment, &context](const Request& request) {
      const FigureFormat figure = figure_format(request);
      if (figure.is_asked() && !experiment.has_figure)
        throw HttpError(400, "request", in_quotes(experiment.name) + " has no figure");
      const auto job = submit(context, experiment, parse_json(request.body, "request", "body", kBodyValues), figure,
                              request, accepts_event_stream(request));
      return respond(context, job, request);
    });
  }
}

}  // namespace stratoscope::server
