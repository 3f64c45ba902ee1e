#include "apps/server/routes.h"

#include <chrono>

#include "apps/server/connection.h"
#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {
namespace {

using std::chrono::milliseconds;

// Until it has finished, or has a first event. Nobody computes for a client that has gone.
void wait_for(Workshop& workshop, Job& job) {
  constexpr milliseconds kLook{50};
  while (!job.wait(kLook) && !job.has_events())
    if (Connection::current()->peer_is_gone() || workshop.server.is_stopping()) job.cancel();
}

std::string as_text(const Event& event) { return "event: " + event.name + "\ndata: " + event.data + "\n\n"; }

// The last event of a stream.
std::string closing_event(Job& job) {
  try {
    return as_text({"result", as_json(job.answer())});
  } catch (...) {
    return as_text({"error", error_answer(std::current_exception()).body});
  }
}

void stream(Workshop& workshop, const std::shared_ptr<Job>& job, httplib::Response& response) {
  response.set_header("Cache-Control", "no-store");
  response.set_chunked_content_provider(
      "text/event-stream",
      [job, &workshop](std::size_t, httplib::DataSink& sink) {
        const bool finished = job->wait(milliseconds(200)) || job->wait_for_end(kScreenFrame);
        std::string text;
        for (const Event& event : job->take_events()) text += as_text(event);
        if (finished) text += closing_event(*job);
        if (!text.empty() && !sink.write(text.data(), text.size())) return false;
        if (workshop.server.is_stopping()) job->cancel();
        if (finished) sink.done();
        return true;
      },
      [job](bool) { job->cancel(); });
}

}  // namespace

void send(httplib::Response& response, const Json& json) {
  response.set_header("Cache-Control", "no-store");
  Answer answer;
  answer.json = json;
  response.set_content(as_json(answer), "application/json");
}

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

std::string client_of(const httplib::Request& request) {
  constexpr std::size_t kNameBytes = 64;
  const std::string name = request.get_header_value("X-Stratoscope-Client");
  if (name.size() > kNameBytes)
    throw Refusal(400, "request", "X-Stratoscope-Client is longer than the limit of " + std::to_string(kNameBytes));
  return name.empty() ? request.remote_addr + ":" + std::to_string(request.remote_port) : "tab " + name;
}

std::string checked_slot(std::string slot) {
  constexpr std::size_t kSlotBytes = 64;
  if (slot.size() > kSlotBytes)
    throw Refusal(400, "request", "a slot's name is longer than the limit of " + std::to_string(kSlotBytes));
  return slot;
}

}  // namespace stratoscope::server
