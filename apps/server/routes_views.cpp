// Views: a request becomes a job, its answer a document, arrays, or a stream of events.
#include <chrono>

#include "apps/server/connection.h"
#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "apps/server/routes.h"
#include "apps/server/views.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiment/inspect.h"

namespace stratoscope::server {
namespace {

using std::chrono::milliseconds;
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

// A tab names itself and what its request is for, so that a newer one replaces it; others are clients of their own.
std::string client_of(const httplib::Request& request) {
  constexpr std::size_t kNameBytes = 64;
  const std::string name = request.get_header_value("X-Stratoscope-Client");
  if (name.size() > kNameBytes)
    throw Refusal(400, "request", "X-Stratoscope-Client is longer than the limit of " + std::to_string(kNameBytes));
  return name.empty() ? request.remote_addr + ":" + std::to_string(request.remote_port) : "tab " + name;
}

std::string slot_of(const httplib::Request& request) {
  constexpr std::size_t kSlotBytes = 64;
  std::string slot = request.get_header_value("X-Stratoscope-Slot");
  if (slot.size() > kSlotBytes)
    throw Refusal(400, "request", "X-Stratoscope-Slot is longer than the limit of " + std::to_string(kSlotBytes));
  return slot;
}

// Until it has finished, or has a first event. Nobody computes for a client that has gone.
void wait_for(Workshop& workshop, Job& job) {
  constexpr milliseconds kLook{50};
  while (!job.wait(kLook) && !job.has_events())
    if (Connection::current()->peer_is_gone() || workshop.server.is_stopping()) job.cancel();
}

std::string event(const std::string& name, const std::string& data) {
  return "event: " + name + "\ndata: " + data + "\n\n";
}

// The last event of a stream.
std::string closing_event(Job& job) {
  try {
    return event("result", as_json(job.answer()));
  } catch (...) {
    return event("error", error_answer(std::current_exception()).body);
  }
}

// Events that come within one frame of a screen go together: each packet costs the page more than what is in it.
constexpr milliseconds kGathering{16};

void stream(Workshop& workshop, const std::shared_ptr<Job>& job, httplib::Response& response) {
  response.set_header("Cache-Control", "no-store");
  response.set_chunked_content_provider(
      "text/event-stream",
      [job, &workshop](std::size_t, httplib::DataSink& sink) {
        const bool finished = job->wait(milliseconds(200)) || job->wait_for_end(kGathering);
        std::string text;
        for (const std::string& one : job->take_events()) text += one;
        if (finished) text += closing_event(*job);
        if (!text.empty() && !sink.write(text.data(), text.size())) return false;
        if (workshop.server.is_stopping()) job->cancel();
        if (finished) sink.done();
        return true;
      },
      [job](bool) { job->cancel(); });
}

}  // namespace

bool wants_stream(const httplib::Request& request) {
  return request.get_header_value("Accept").find("text/event-stream") != std::string::npos;
}

void answer_with(Workshop& workshop, const std::shared_ptr<Job>& job, const httplib::Request& request,
                 httplib::Response& response) {
  if (wants_stream(request)) {
    // What is wrong with a request is known before its first event: then the answer is an ordinary error.
    wait_for(workshop, *job);
    if (job->finished() && !job->has_events()) static_cast<void>(job->answer());
    return stream(workshop, job, response);
  }
  wait_for(workshop, *job);
  const Answer& answer = job->answer();
  response.set_header("Cache-Control", "no-store");
  if (const FileAnswer* file = job->file()) {
    response.set_header("Content-Disposition", "attachment; filename=\"" + file->name + "\"");
    return response.set_content(file->bytes, file->type);
  }
  const std::string format = request.has_param("format") ? request.get_param_value("format") : "json";
  if (format == "json") return response.set_content(as_json(answer), "application/json");
  if (format == "binary") return response.set_content(as_safetensors(answer), "application/octet-stream");
  if (format == "npz") return response.set_content(as_npz(answer), "application/zip");
  throw Refusal(400, "request", "there is no format " + in_quotes(format), "json, binary or npz");
}

void add_view_routes(HttpServer& server, Workshop& workshop) {
  for (const ViewRoute& route : kViews) {
    server.Post(route.path, [route, &workshop](const httplib::Request& request, httplib::Response& response) {
      Fields fields(request.body);
      Progress silent;
      auto model = workshop.shelf.open(fields.text_or("model", kTextBytes, workshop.shelf.first()), silent);
      const Asked asked = read_asked(fields, model);
      Job::Step step = route.view(fields, asked);
      fields.refuse_others();
      const bool patient = route.kind == JobKind::patient;
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
      auto job = std::make_shared<Job>(route.kind, std::move(in_model), wants_stream(request),
                                       patient ? kSweepTime : kJobTime);
      workshop.queue.submit(client_of(request), slot_of(request), job);
      answer_with(workshop, job, request, response);
    });
  }
  server.Post("/api/tokens", [&workshop](const httplib::Request& request, httplib::Response& response) {
    Fields fields(request.body);
    Progress silent;
    auto model = workshop.shelf.open(fields.text_or("model", kTextBytes, workshop.shelf.first()), silent);
    const std::string text = fields.text("text", kTextBytes);
    TextOptions options;
    options.bos = fields.flag("bos");
    options.check_context = false;
    fields.refuse_others();
    Json json = Json::parse(to_json(model->session(), count_tokens(model->session(), text, options)).text);
    json["context"] = model->session().config().n_ctx;
    Answer answer;
    answer.json = std::move(json);
    response.set_header("Cache-Control", "no-store");
    response.set_content(as_json(answer), "application/json");
  });
}

}  // namespace stratoscope::server
