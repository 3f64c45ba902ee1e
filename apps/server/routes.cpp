#include "apps/server/routes.h"

#include <chrono>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {
namespace {

using std::chrono::milliseconds;

// Until it has finished, or has a first event. Nothing is computed for a client that has gone.
void wait_for(Workshop& workshop, Job& job, const Request& request) {
  constexpr milliseconds kLook{50};
  while (!job.wait(kLook) && !job.has_events())
    if (request.client_is_gone() || workshop.server.is_stopping()) job.cancel();
}

std::string event_text(const Event& event) { return "event: " + event.name + "\ndata: " + event.data + "\n\n"; }

// The last event of a stream.
std::string closing_event(Job& job) {
  try {
    return event_text({"result", as_json(job.answer())});
  } catch (...) {
    return event_text({"error", error_answer(std::current_exception()).body});
  }
}

class EventStream : public BodyStream {
 public:
  EventStream(const HttpServer& server, std::shared_ptr<Job> job) : server_(server), job_(std::move(job)) {}
  ~EventStream() override { job_->cancel(); }
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  std::optional<std::string> next() override {
    if (over_) return std::nullopt;
    over_ = job_->wait(milliseconds(200)) || job_->wait_for_end(kScreenFrame);
    std::string text;
    for (const Event& event : job_->take_events()) text += event_text(event);
    if (over_) text += closing_event(*job_);
    if (server_.is_stopping()) job_->cancel();
    return text;
  }

 private:
  const HttpServer& server_;
  std::shared_ptr<Job> job_;
  bool over_ = false;
};

const Headers kUncached = {{"Cache-Control", "no-store"}};

}  // namespace

Response document(const Json& json, int status) {
  Answer answer;
  answer.json = json;
  return {.status = status, .body = as_json(answer), .headers = kUncached};
}

bool wants_stream(const Request& request) {
  return request.headers.get("Accept").find("text/event-stream") != std::string::npos;
}

Response answer_with(Workshop& workshop, const std::shared_ptr<Job>& job, const Request& request) {
  wait_for(workshop, *job, request);
  if (wants_stream(request)) {
    // What is wrong with a request is known before its first event: then the answer is an ordinary error.
    if (job->finished() && !job->has_events()) static_cast<void>(job->answer());
    return {.type = "text/event-stream",
            .headers = kUncached,
            .stream = std::make_unique<EventStream>(workshop.server, job)};
  }
  const Answer& answer = job->answer();
  if (const FileAnswer* file = job->file())
    return {.body = file->bytes,
            .type = file->type,
            .headers = {{"Cache-Control", "no-store"},
                        {"Content-Disposition", "attachment; filename=\"" + file->name + "\""}}};
  const std::string format = request.parameter("format").value_or("json");
  if (format == "json") return {.body = as_json(answer), .headers = kUncached};
  if (format == "binary")
    return {.body = as_safetensors(answer), .type = "application/octet-stream", .headers = kUncached};
  if (format == "npz") return {.body = as_npz(answer), .type = "application/zip", .headers = kUncached};
  throw Refusal(400, "request", "there is no format " + in_quotes(format), "json, binary or npz");
}

std::string client_of(const Request& request) {
  constexpr std::size_t kNameBytes = 64;
  const std::string name = request.headers.get("X-Stratoscope-Client");
  if (name.size() > kNameBytes)
    throw Refusal(400, "request", "X-Stratoscope-Client is longer than the limit of " + std::to_string(kNameBytes));
  return name.empty() ? request.address : "tab " + name;
}

std::string checked_slot(std::string slot) {
  constexpr std::size_t kSlotBytes = 64;
  if (slot.size() > kSlotBytes)
    throw Refusal(400, "request", "a slot's name is longer than the limit of " + std::to_string(kSlotBytes));
  return slot;
}

}  // namespace stratoscope::server
