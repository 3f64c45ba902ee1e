// Requests of one moment as one: a browser spends more on a request than the engine on most answers.
#include <bit>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "apps/server/routes.h"

namespace stratoscope::server {
namespace {

using Clock = Bell::Clock;
using std::chrono::milliseconds;

// Two sizes in bytes, each 4 bytes with the lowest first; a JSON head of the first size, a body of the second.
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

// The answers, as messages.
class Together : public BodyStream {
 public:
  Together(Workshop& workshop, const std::string& client, const nlohmann::json& requests) : server_(workshop.server) {
    for (const nlohmann::json& request : requests) {
      Part& part = parts_.emplace_back();
      try {
        Fields fields = Fields::of(request);
        const std::string path = fields.text("path", kTextBytes);
        const std::string slot = checked_slot(fields.text_or("slot", kTextBytes, ""));
        Fields body = Fields::of(fields.anything("body"));
        fields.refuse_others();
        part.job = begin_view(workshop, path, std::move(body), client, slot, {.streams = true, .bell = bell_});
      } catch (...) {
        part.refusal = std::current_exception();
      }
    }
  }

  ~Together() override { cancel(); }
  Together(const Together&) = delete;
  Together& operator=(const Together&) = delete;

  std::optional<std::string> next() override {
    if (all([](Part& part) { return part.told; })) return std::nullopt;
    wait();
    if (server_.is_stopping()) cancel();
    return take_news();
  }

 private:
  void cancel() {
    for (Part& part : parts_)
      if (part.job) part.job->cancel();
  }

  // Until there is something to send and it is time for it, or all is over; not for long.
  void wait() {
    const auto until = Clock::now() + milliseconds(200);
    for (auto now = Clock::now(); now < until && !all([](Part& part) { return part.is_finished(); });
         now = Clock::now()) {
      const bool has_news = !all([](Part& part) { return !part.has_news(); });
      if (has_news && now >= next_) return;
      bell_->wait_until(has_news ? std::min(next_, until) : until);
    }
  }

  std::string take_news() {
    std::string news;
    for (std::size_t i = 0; i < parts_.size(); ++i) news += parts_[i].take_news(i);
    if (!news.empty()) next_ = Clock::now() + kScreenFrame;
    return news;
  }

  // A change is worth waiting for one frame more: mostly all of it is there then, and is drawn at once.
  static constexpr milliseconds kFirst = 2 * kScreenFrame;

  struct Part {
    std::shared_ptr<Job> job;
    std::exception_ptr refusal;
    bool told = false;  // to the end

    bool is_finished() const { return told || refusal || job->finished(); }
    bool has_news() const { return !told && (is_finished() || job->has_events()); }

    std::string take_news(std::size_t number) {
      if (told) return {};
      std::string news;
      told = is_finished();
      if (job)
        for (const Event& event : job->take_events())
          news += message({{"request", number}, {"event", event.name}}, event.data);
      if (told) news += last_message(number);
      return news;
    }

    std::string last_message(std::size_t number) const {
      try {
        if (refusal) std::rethrow_exception(refusal);
        const Answer& answer = job->answer();
        const FileAnswer* const file = job->file();
        return message({{"request", number}, {"event", "result"}, {"status", 200}},
                       file != nullptr ? file->bytes : as_safetensors(answer));
      } catch (...) {
        const ErrorAnswer error = error_answer(std::current_exception());
        return message({{"request", number}, {"event", "error"}, {"status", error.status}}, error.body);
      }
    }
  };

  template <class Has>
  bool all(const Has& has) {
    return std::all_of(parts_.begin(), parts_.end(), has);
  }

  const HttpServer& server_;
  std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  std::vector<Part> parts_;
  Clock::time_point next_ = Clock::now() + kFirst;
};

nlohmann::json checked_requests(const std::string& body) {
  Fields fields(body);
  nlohmann::json requests = fields.anything("requests");
  fields.refuse_others();
  if (!requests.is_array() || requests.empty() || requests.size() > kTogether)
    throw Refusal(400, "request", "field 'requests' is no list of 1 to " + std::to_string(kTogether) + " requests");
  return requests;
}

}  // namespace

void add_together_route(HttpServer& server, Workshop& workshop) {
  server.add("POST", "/api/together", [&workshop](const Request& request) {
    return Response{.type = "application/octet-stream",
                    .headers = {{"Cache-Control", "no-store"}},
                    .stream = std::make_unique<Together>(workshop, client_of(request), checked_requests(request.body))};
  });
}

}  // namespace stratoscope::server
