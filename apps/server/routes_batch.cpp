// Several requests in one HTTP request: a browser spends more time on a request than the engine on most results.
#include <bit>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "apps/server/routes.h"

namespace stratoscope::server {
namespace {

using Clock = WakeUp::Clock;
using std::chrono::milliseconds;

// Two sizes in bytes as little-endian 32-bit integers, then a JSON head of the first size and a body of the second.
std::string message(const Json& head, const std::string& body) {
  static_assert(std::endian::native == std::endian::little);
  const std::string text = head.dump();
  std::string bytes;
  for (const std::size_t size : {text.size(), body.size()}) {
    const auto stored = static_cast<std::uint32_t>(size);
    bytes.append(reinterpret_cast<const char*>(&stored), sizeof stored);
  }
  return bytes + text + body;
}

// The events and results of all requests, as messages.
class BatchStream : public BodyStream {
 public:
  BatchStream(ServerContext& context, const std::string& client, const nlohmann::json& requests)
      : server_(context.server) {
    for (const nlohmann::json& request : requests) {
      Part& part = parts_.emplace_back();
      try {
        Fields fields = Fields::of(request);
        const std::string path = fields.text("path", kTextBytes);
        const std::string slot = checked_slot(fields.text_or("slot", kTextBytes, ""));
        nlohmann::json body = fields.value("body");
        fields.reject_unknown();
        part.job = submit(context, path, std::move(body),
                          {.client = client, .slot = slot, .streams = true, .as_arrays = true, .wake_up = wake_up_});
      } catch (...) {
        part.error = std::current_exception();
      }
    }
  }

  ~BatchStream() override { cancel(); }
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  std::optional<std::string> next() override {
    if (all([](Part& part) { return part.complete; })) return std::nullopt;
    wait();
    if (server_.is_stopping()) cancel();
    return take_messages();
  }

 private:
  void cancel() {
    for (Part& part : parts_)
      if (part.job) part.job->cancel();
  }

  // Waits until messages are due or all jobs are finished, 200 ms at most.
  void wait() {
    const auto until = Clock::now() + milliseconds(200);
    for (auto now = Clock::now(); now < until && !all([](Part& part) { return part.is_finished(); });
         now = Clock::now()) {
      const bool has_messages = !all([](Part& part) { return !part.has_messages(); });
      if (has_messages && now >= next_send_) return;
      wake_up_->wait_until(has_messages ? std::min(next_send_, until) : until);
    }
  }

  std::string take_messages() {
    std::string messages;
    for (std::size_t i = 0; i < parts_.size(); ++i) messages += parts_[i].take_messages(i);
    if (!messages.empty()) next_send_ = Clock::now() + kFrameTime;
    return messages;
  }

  // The first messages wait one frame more: most batches are finished by then and are drawn at once.
  static constexpr milliseconds kFirstSend = 2 * kFrameTime;

  struct Part {
    std::shared_ptr<Job> job;
    std::exception_ptr error;
    bool complete = false;  // after its last message

    bool is_finished() const { return complete || error || job->finished(); }
    bool has_messages() const { return !complete && (is_finished() || job->has_events()); }

    std::string take_messages(std::size_t number) {
      if (complete) return {};
      std::string messages;
      complete = is_finished();
      if (job)
        for (const Event& event : job->take_events())
          messages += message({{"request", number}, {"event", event.name}}, event.data);
      if (complete) messages += last_message(number);
      return messages;
    }

    std::string last_message(std::size_t number) const {
      try {
        if (error) std::rethrow_exception(error);
        const JobResult& result = job->result();
        const FileResult* const file = job->file();
        return message({{"request", number}, {"event", "result"}, {"status", 200}},
                       file != nullptr ? file->bytes : as_safetensors(result));
      } catch (...) {
        const ErrorResponse response = error_response(std::current_exception());
        return message({{"request", number}, {"event", "error"}, {"status", response.status}}, response.body);
      }
    }
  };

  template <class Has>
  bool all(const Has& has) {
    return std::all_of(parts_.begin(), parts_.end(), has);
  }

  const HttpServer& server_;
  std::shared_ptr<WakeUp> wake_up_ = std::make_shared<WakeUp>();
  std::vector<Part> parts_;
  Clock::time_point next_send_ = Clock::now() + kFirstSend;
};

nlohmann::json checked_requests(const std::string& body) {
  Fields fields(body);
  nlohmann::json requests = fields.value("requests");
  fields.reject_unknown();
  if (!requests.is_array() || requests.empty() || requests.size() > kBatchRequests)
    throw HttpError(400, "request",
                    "field 'requests' must be an array of 1 to " + std::to_string(kBatchRequests) + " requests");
  return requests;
}

}  // namespace

std::vector<Route> batch_routes() {
  const Json request = object_schema({{"path", text_schema("the path of an experiment, such as /api/predict")},
                                      {"slot", text_schema("as X-Stratoscope-Slot")},
                                      {"body", {{"type", "object"}, {"description", "of a request to the path"}}}},
                                     {"path", "body"});
  RouteDescription description{
      .summary = "a batch of requests; each result is sent when it is ready",
      .body = object_schema(
          {{"requests", {{"type", "array"}, {"minItems", 1}, {"maxItems", kBatchRequests}, {"items", request}}}},
          {"requests"}),
      .example = {{"requests",
                   {{{"path", "/api/tokens"}, {"body", {{"text", "Penguins are cute."}}}},
                    {{"path", "/api/predict"}, {"body", {{"text", "Penguins are cute."}, {"top", 3}}}}}}},
      .parameters = {{{"$ref", "#/components/parameters/client"}}},
      .content =
          content_of("application/octet-stream",
                     "messages: two sizes as little-endian 32-bit integers; a JSON head of the first size {request "
                     "(its index in the list), event, status}; a body of the second. Event 'result' has a "
                     "safetensors file as ?format=binary has, 'error' the error as JSON; both are the last of "
                     "their request. Others, such as 'depth', have JSON",
                     true)};
  return {{"POST", "post", "/api/batch", std::move(description), [](ServerContext& context, const Request& asked) {
             return Response{
                 .type = "application/octet-stream",
                 .headers = {{"Cache-Control", "no-store"}},
                 .stream = std::make_unique<BatchStream>(context, client_id(asked), checked_requests(asked.body))};
           }}};
}

}  // namespace stratoscope::server
