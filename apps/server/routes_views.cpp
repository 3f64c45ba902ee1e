// Routes of the views: each request becomes a job.
#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "apps/server/routes.h"
#include "apps/server/views.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/tokens.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope::server {
namespace {

using View = Job::Step (*)(Fields&, const TextRequest&);

struct ViewRoute {
  const char* path;
  View view;
  JobPriority priority;
};

constexpr ViewRoute kViews[] = {
    {"/api/view/predict", predict_view, JobPriority::high},
    {"/api/view/depth", depth_view, JobPriority::high},
    {"/api/view/similarity/depths", similar_depths_view, JobPriority::high},
    {"/api/view/similarity/tokens", similar_tokens_view, JobPriority::high},
    {"/api/view/similarity/profile", profile_view, JobPriority::high},
    {"/api/view/lens", lens_view, JobPriority::normal},
    {"/api/view/lens/cell", lens_cell_view, JobPriority::high},
    {"/api/view/attention/heads", heads_view, JobPriority::high},
    {"/api/view/attention/pattern", pattern_view, JobPriority::high},
    {"/api/view/sweep", sweep_view, JobPriority::low},
    {"/api/view/export", export_view, JobPriority::low},
};

constexpr const char* kTokensPath = "/api/view/tokens";  // runs at once, outside the queue

std::shared_ptr<Job> run_tokens_view(ServerContext& context, Fields& fields, const JobOptions& options) {
  Progress silent;
  auto model = context.models.open(fields.text_or("model", kTextBytes, context.models.default_model()), silent);
  const std::string text = fields.text("text", kTextBytes);
  TextOptions text_options;
  text_options.added = read_added_tokens(fields);
  text_options.check_context = false;
  fields.reject_unknown();
  auto job = std::make_shared<Job>(JobPriority::high, nullptr, options.streams, kJobTime);
  job->set_wake_up(options.wake_up);
  job->run_to_completion([&](Job& self) {
    JobResult result;
    result.json = json_of(to_json(model->session(), tokens(model->session(), {text, text_options})));
    result.json["context"] = model->session().config().n_ctx;
    self.set_result(std::move(result));
    return true;
  });
  return job;
}

}  // namespace

std::shared_ptr<Job> submit_view(ServerContext& context, const std::string& path, Fields fields,
                                 const std::string& client, const std::string& slot, const JobOptions& options) {
  if (path == kTokensPath) return run_tokens_view(context, fields, options);
  const auto* const route = std::find_if(std::begin(kViews), std::end(kViews),
                                         [&](const ViewRoute& candidate) { return candidate.path == path; });
  if (route == std::end(kViews)) throw HttpError(404, "request", "there is no view " + in_quotes(path));
  Progress silent;
  auto model = context.models.open(fields.text_or("model", kTextBytes, context.models.default_model()), silent);
  const TextRequest text_request = read_text_request(fields, model);
  Job::Step step = route->view(fields, text_request);
  fields.reject_unknown();
  auto step_with_progress = [model, step = std::move(step)](Job& job) {
    const ProgressScope scope(*model, job);
    return step(job);
  };
  auto job = std::make_shared<Job>(route->priority, std::move(step_with_progress), options.streams,
                                   route->priority == JobPriority::low ? kSweepTime : kJobTime);
  job->set_wake_up(options.wake_up);
  context.queue.submit(client, slot, job);
  return job;
}

void add_view_routes(HttpServer& server, ServerContext& context) {
  std::vector<std::string> paths = {kTokensPath};
  for (const ViewRoute& route : kViews) paths.emplace_back(route.path);
  for (const std::string& path : paths)
    server.add("POST", path, [path, &context](const Request& request) {
      const std::string slot = checked_slot(request.headers.get("X-Stratoscope-Slot"));
      const auto job = submit_view(context, path, Fields(request.body), client_id(request), slot,
                                   {.streams = accepts_event_stream(request)});
      return respond(context, job, request);
    });
}

}  // namespace stratoscope::server
