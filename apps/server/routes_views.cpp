// Views: a request becomes a job, its answer a document, arrays, or a stream of events.
#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "apps/server/routes.h"
#include "apps/server/views.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/inspect.h"

namespace stratoscope::server {
namespace {

using View = Job::Step (*)(Fields&, const Asked&);

struct ViewRoute {
  const char* path;
  View view;
  JobKind kind;
};

constexpr ViewRoute kViews[] = {
    {"/api/predict", predict_view, JobKind::quick},
    {"/api/depth", depth_view, JobKind::quick},
    {"/api/similarity/depths", similar_depths_view, JobKind::quick},
    {"/api/similarity/tokens", similar_tokens_view, JobKind::quick},
    {"/api/similarity/profile", profile_view, JobKind::quick},
    {"/api/lens", lens_view, JobKind::steady},
    {"/api/lens/cell", lens_cell_view, JobKind::quick},
    {"/api/attention/heads", heads_view, JobKind::quick},
    {"/api/attention/pattern", pattern_view, JobKind::quick},
    {"/api/sweep", sweep_view, JobKind::patient},
    {"/api/export", export_view, JobKind::patient},
};

constexpr const char* kTokensPath = "/api/tokens";  // at once, beside the queue

std::shared_ptr<Job> begin_tokens(Workshop& workshop, Fields& fields, const Telling& telling) {
  Progress silent;
  auto model = workshop.shelf.open(fields.text_or("model", kTextBytes, workshop.shelf.first()), silent);
  const std::string text = fields.text("text", kTextBytes);
  TextOptions options;
  options.added = read_added_tokens(fields);
  options.check_context = false;
  fields.refuse_others();
  auto job = std::make_shared<Job>(JobKind::quick, nullptr, telling.streams, kJobTime);
  job->set_bell(telling.bell);
  job->run_to_the_end([&](Job& self) {
    Answer answer;
    answer.json = Json::parse(to_json(model->session(), count_tokens(model->session(), text, options)).text);
    answer.json["context"] = model->session().config().n_ctx;
    self.set_result(std::move(answer));
    return true;
  });
  return job;
}

}  // namespace

std::shared_ptr<Job> begin_view(Workshop& workshop, const std::string& path, Fields fields, const std::string& client,
                                const std::string& slot, const Telling& telling) {
  if (path == kTokensPath) return begin_tokens(workshop, fields, telling);
  const auto* const route = std::find_if(std::begin(kViews), std::end(kViews),
                                         [&](const ViewRoute& candidate) { return candidate.path == path; });
  if (route == std::end(kViews)) throw Refusal(404, "request", "there is no view " + in_quotes(path));
  Progress silent;
  auto model = workshop.shelf.open(fields.text_or("model", kTextBytes, workshop.shelf.first()), silent);
  const Asked asked = read_asked(fields, model);
  Job::Step step = route->view(fields, asked);
  fields.refuse_others();
  // The model's own long work asks the job whether to stop; how far it is the views say themselves.
  auto in_model = [model, step = std::move(step)](Job& job) {
    QuietProgress quiet(&job);
    struct Leave {
      SessionProgress& progress;
      Progress* before;  // a patient job's, where this one passes it
      ~Leave() { progress.set_target(before); }
    } leave{model->progress(), model->progress().set_target(&quiet)};
    return step(job);
  };
  auto job = std::make_shared<Job>(route->kind, std::move(in_model), telling.streams,
                                   route->kind == JobKind::patient ? kSweepTime : kJobTime);
  job->set_bell(telling.bell);
  workshop.queue.submit(client, slot, job);
  return job;
}

void add_view_routes(HttpServer& server, Workshop& workshop) {
  std::vector<std::string> paths = {kTokensPath};
  for (const ViewRoute& route : kViews) paths.emplace_back(route.path);
  for (const std::string& path : paths)
    server.add("POST", path, [path, &workshop](const Request& request) {
      const std::string slot = checked_slot(request.headers.get("X-Stratoscope-Slot"));
      const auto job = begin_view(workshop, path, Fields(request.body), client_of(request), slot,
                                  {.streams = wants_stream(request)});
      return answer_with(workshop, job, request);
    });
}

}  // namespace stratoscope::server
