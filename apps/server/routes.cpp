#include "apps/server/routes.h"

#include <chrono>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {
namespace {

using std::chrono::milliseconds;

// Waits for the end or the first event. Cancels the job when the client disconnects or the server stops.
void wait_for(ServerContext& context, Job& job, const Request& request) {
  constexpr milliseconds kPollTime{50};
  while (!job.wait(kPollTime) && !job.has_events())
    if (request.client_disconnected() || context.server.is_stopping()) job.cancel();
}

std::string event_text(const Event& event) { return "event: " + event.name + "\ndata: " + event.data + "\n\n"; }

// The last event of a stream.
std::string last_event(Job& job) {
  try {
    return event_text({"result", as_json(job.result())});
  } catch (...) {
    return event_text({"error", error_response(std::current_exception()).body});
  }
}

class EventStream : public BodyStream {
 public:
  EventStream(const HttpServer& server, std::shared_ptr<Job> job) : server_(server), job_(std::move(job)) {}
  ~EventStream() override { job_->cancel(); }
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  std::optional<std::string> next() override {
    if (finished_) return std::nullopt;
    finished_ = job_->wait(milliseconds(200)) || job_->wait_for_end(kFrameTime);
    std::string text;
    for (const Event& event : job_->take_events()) text += event_text(event);
    if (finished_) text += last_event(*job_);
    if (server_.is_stopping()) job_->cancel();
    return text;
  }

 private:
  const HttpServer& server_;
  std::shared_ptr<Job> job_;
  bool finished_ = false;
};

const Headers kUncached = {{"Cache-Control", "no-store"}};

}  // namespace

Response json_response(const Json& json, int status) {
  JobResult result;
  result.json = json;
  return {.status = status, .body = as_json(result), .headers = kUncached};
}

bool accepts_event_stream(const Request& request) {
  return request.headers.get("Accept").find("text/event-stream") != std::string::npos;
}

Response respond(ServerContext& context, const std::shared_ptr<Job>& job, const Request& request) {
  wait_for(context, *job, request);
  if (accepts_event_stream(request)) {
    // An error before the first event is an ordinary error response.
    if (job->finished() && !job->has_events()) static_cast<void>(job->result());
    return {.type = "text/event-stream",
            .headers = kUncached,
            .stream = std::make_unique<EventStream>(context.server, job)};
  }
  const JobResult& result = job->result();
  if (const FileResult* file = job->file())
    return {.body = file->bytes,
            .type = file->type,
            .headers = {{"Cache-Control", "no-store"},
                        {"Content-Disposition", "attachment; filename=\"" + file->name + "\""}}};
  const std::string format = request.parameter("format").value_or("json");
  if (format == "json") return {.body = as_json(result), .headers = kUncached};
  if (format == "binary")
    return {.body = as_safetensors(result), .type = "application/octet-stream", .headers = kUncached};
  if (format == "npz") return {.body = as_npz(result), .type = "application/zip", .headers = kUncached};
  throw HttpError(400, "request", "there is no format " + in_quotes(format), "json, binary or npz");
}

std::vector<Route> fixed_routes() {
  std::vector<Route> all;
  for (auto* const routes : {model_routes, batch_routes, figure_routes, saved_routes})
    for (const Route& route : routes()) all.push_back(route);
  return all;
}

void add_fixed_routes(HttpServer& server, ServerContext& context) {
  for (const Route& route : fixed_routes())
    server.add(route.method, route.path,
               [answer = route.answer, &context](const Request& request) { return answer(context, request); });
}

std::string client_id(const Request& request) {
  constexpr std::size_t kNameBytes = 64;
  const std::string name = request.headers.get("X-Stratoscope-Client");
  if (name.size() > kNameBytes)
    throw HttpError(400, "request", "X-Stratoscope-Client is longer than the limit of " + std::to_string(kNameBytes));
  return name.empty() ? request.address : "tab " + name;
}

JobOptions job_options(const Request& request) {
  return {.client = client_id(request),
          .slot = checked_slot(request.headers.get("X-Stratoscope-Slot")),
          .streams = accepts_event_stream(request),
          .as_arrays = request.parameter("format").value_or("json") != "json" && !accepts_event_stream(request),
          .figure = figure_format(request)};
}

std::string checked_slot(std::string slot) {
  constexpr std::size_t kSlotBytes = 64;
  if (slot.size() > kSlotBytes)
    throw HttpError(400, "request", "a slot's name is longer than the limit of " + std::to_string(kSlotBytes));
  return slot;
}

}  // namespace stratoscope::server
