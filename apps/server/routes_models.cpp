// The server itself and its models.
#include <chrono>
#include <thread>

#include "apps/server/fields.h"
#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "apps/server/routes.h"
#include "stratoscope/experiments/inspect.h"
#include "stratoscope/version.h"

namespace stratoscope::server {
namespace {

Json limits() {
  return {{"body_bytes", kBodyBytes},         {"text_bytes", kTextBytes},      {"edits", kEdits},
          {"edit_bytes", kEditBytes},         {"grid_points", kGridPoints},    {"window", kWindow},
          {"lens_window", kLensWindow},       {"connections", kConnections},   {"waiting_requests", kWaitingJobs},
          {"job_seconds", kJobTime.count()},  {"experiments", kExperiments},   {"experiment_bytes", kExperimentBytes},
          {"figure_numbers", kFigureNumbers}, {"figure_panels", kFigurePanels}};
}

// Loading reports to a job that nobody queues: it runs in a thread of its own, so that the engine goes on.
class Loading {
 public:
  Loading(Shelf& shelf, const std::string& name, bool streams)
      : job_(std::make_shared<Job>(JobKind::patient, nullptr, streams, kSweepTime)), thread_([this, &shelf, name] {
          job_->run_to_the_end([&](Job& job) {
            const auto model = shelf.open(name, job);
            Answer answer;
            answer.json = {{"model", {{"name", model->name()}, {"hash", model->session().model_hash()}}}};
            job.set_result(std::move(answer));
            return true;
          });
        }) {}
  ~Loading() { thread_.join(); }
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;
  const std::shared_ptr<Job>& job() const { return job_; }

 private:
  std::shared_ptr<Job> job_;
  std::thread thread_;
};

}  // namespace

void add_model_routes(HttpServer& server, Workshop& workshop) {
  server.add("GET", "/api/status", [&workshop](const Request&) {
    return document({{"version", STRATOSCOPE_VERSION}, {"model", workshop.shelf.first()}, {"limits", limits()}});
  });
  server.add("GET", "/api/models", [&workshop](const Request&) {
    Json list = Json::array();
    for (const ListedModel& model : workshop.shelf.list()) {
      Json entry{{"name", model.name},     {"aliases", model.aliases}, {"built_in", model.built_in},
                 {"family", model.family}, {"bytes", model.bytes},     {"open", workshop.shelf.is_open(model.name)}};
      entry["parameters"] = model.parameters ? Json(*model.parameters) : Json();
      if (!model.problem.empty()) entry["problem"] = model.problem, entry["hint"] = model.hint;
      list.push_back(std::move(entry));
    }
    return document({{"models", list}});
  });
  server.add("POST", "/api/models/info", [&workshop](const Request& request) {
    Fields fields(request.body);
    const std::string name = fields.text_or("model", kTextBytes, workshop.shelf.first());
    fields.refuse_others();
    Progress silent;
    return document(Json::parse(model_info(workshop.shelf.open(name, silent)->session()).text));
  });
  server.add("POST", "/api/models/load", [&workshop](const Request& request) {
    Fields fields(request.body);
    const std::string name = fields.text("model", kTextBytes);
    fields.refuse_others();
    auto loading = std::make_shared<Loading>(workshop.shelf, name, wants_stream(request));
    // The thread lives as long as the job: a stream's job is read after this function has returned.
    const std::shared_ptr<Job> job(loading->job().get(), [loading](Job*) {});
    return answer_with(workshop, job, request);
  });
}

}  // namespace stratoscope::server
