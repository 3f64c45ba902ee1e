// Routes of the server's status and of models.
#include <chrono>
#include <thread>

#include "apps/server/fields.h"
#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "apps/server/routes.h"
#include "stratoscope/version.h"

namespace stratoscope::server {
namespace {

Json limits() {
  return {{"body_bytes", kBodyBytes},
          {"text_bytes", kTextBytes},
          {"list_entries", kListEntries},
          {"expression_bytes", kExpressionBytes},
          {"grid_points", kGridPoints},
          {"experiment_tokens", kExperimentTokens},
          {"connections", kConnections},
          {"waiting_requests", kWaitingJobs},
          {"job_seconds", kJobTime.count()},
          {"experiments", kExperiments},
          {"experiment_bytes", kExperimentBytes},
          {"figure_numbers", kFigureNumbers},
          {"figure_panels", kFigurePanels}};
}

// Loads a model in a thread of its own, so that the job queue goes on. Its job is not in the queue.
class ModelLoader {
 public:
  ModelLoader(OpenModels& models, const std::string& name, bool streams)
      : job_(std::make_shared<Job>(JobPriority::low, nullptr, streams, kSweepTime)), thread_([this, &models, name] {
          job_->run_to_completion([&](Job& job) {
            const auto model = models.open(name, job);
            JobResult result;
            result.json = {{"model", {{"name", model->name()}, {"hash", model->session().model_hash()}}}};
            job.set_result(std::move(result));
            return true;
          });
        }) {}
  ~ModelLoader() { thread_.join(); }
  ModelLoader(const ModelLoader&) = delete;
  ModelLoader& operator=(const ModelLoader&) = delete;
  const std::shared_ptr<Job>& job() const { return job_; }

 private:
  std::shared_ptr<Job> job_;
  std::thread thread_;
};

Response status(ServerContext& context, const Request&) {
  return json_response(
      {{"version", STRATOSCOPE_VERSION}, {"model", context.models.default_model()}, {"limits", limits()}});
}

Response list_of_models(ServerContext& context, const Request&) {
  Json list = Json::array();
  for (const ListedModel& model : context.models.list()) {
    Json entry{{"name", model.name},     {"aliases", model.aliases}, {"built_in", model.built_in},
               {"family", model.family}, {"bytes", model.bytes},     {"open", context.models.is_open(model.name)}};
    entry["parameters"] = model.parameters ? Json(*model.parameters) : Json();
    if (!model.problem.empty()) entry["problem"] = model.problem, entry["hint"] = model.hint;
    list.push_back(std::move(entry));
  }
  return json_response({{"models", list}});
}

Response load_model(ServerContext& context, const Request& request) {
  Fields fields(request.body);
  const std::string name = fields.text("model", kTextBytes);
  fields.reject_unknown();
  auto loader = std::make_shared<ModelLoader>(context.models, name, accepts_event_stream(request));
  // The thread must live as long as the job: a stream reads the job after this function has returned.
  const std::shared_ptr<Job> job(loader->job().get(), [loader](Job*) {});
  return respond(context, job, request);
}

}  // namespace

std::vector<Route> model_routes() {
  RouteDescription load{.summary = "load a model; requests to other models are served meanwhile",
                        .keys = {"model"},
                        .body = object_schema({{"model", text_schema("a name from GET /api/models")}}, {"model"}),
                        .example = {{"model", "novella-7m"}},
                        .content = content_of("text/event-stream",
                                              "with 'Accept: text/event-stream': 'progress' {what, done, total}; last "
                                              "'result' or 'error'")};
  return {{"GET",
           "get",
           "/api/status",
           {.summary = "version, the default model, and all limits", .keys = {"version", "model", "limits"}},
           status},
          {"GET", "get", "/api/models", {.summary = "the models on this machine", .keys = {"models"}}, list_of_models},
          {"POST", "post", "/api/models/load", std::move(load), load_model}};
}

}  // namespace stratoscope::server
