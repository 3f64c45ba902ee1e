// Saved experiments: kept, listed, read, noted, deleted.
#include <charconv>

#include "apps/server/experiment_file.h"
#include "apps/server/fields.h"
#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "apps/server/routes.h"
#include "stratoscope/base/json.h"

namespace stratoscope::server {
namespace {

constexpr const char* kOne = "/api/experiments/([0-9]{1,15})";

long number_in(const std::string& text, long otherwise) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : otherwise;
}

long id_of(const httplib::Request& request) { return number_in(request.matches[1].str(), 0); }

[[noreturn]] void none_of(long id) {
  throw Refusal(404, "experiments", "there is no experiment " + std::to_string(id));
}

Json summary_json(const ExperimentSummary& summary) {
  return {{"id", summary.id},     {"created", summary.created}, {"note", summary.note},
          {"text", summary.text}, {"model", summary.model},     {"model_hash", summary.model_hash}};
}

}  // namespace

Store& StoreDoor::open() {
  const std::lock_guard lock(mutex_);
  if (!store_) store_.emplace(file_);
  return *store_;
}

void add_experiment_routes(HttpServer& server, Workshop& workshop) {
  server.Get("/api/experiments", [&workshop](const httplib::Request& request, httplib::Response& response) {
    const long before = request.has_param("before") ? number_in(request.get_param_value("before"), 0) : 0;
    Json list = Json::array();
    const std::string search = request.has_param("search") ? request.get_param_value("search") : "";
    for (const ExperimentSummary& summary : workshop.store.open().list(search, before, kListed))
      list.push_back(summary_json(summary));
    send(response, {{"experiments", list}});
  });
  server.Post("/api/experiments", [&workshop](const httplib::Request& request, httplib::Response& response) {
    const SavedExperiment experiment = read_experiment(request.body);
    send(response, {{"id", workshop.store.open().save(experiment)}});
    response.status = 201;
  });
  server.Get(kOne, [&workshop](const httplib::Request& request, httplib::Response& response) {
    const auto found = workshop.store.open().find(id_of(request));
    if (!found) none_of(id_of(request));
    Json json = summary_json(found->summary);
    json["experiment"] = parse_ordered_json(found->document, "experiment", "document");
    send(response, json);
  });
  server.Patch(kOne, [&workshop](const httplib::Request& request, httplib::Response& response) {
    Fields fields(request.body);
    const std::string note = fields.text("note", kNoteBytes);
    fields.refuse_others();
    if (!workshop.store.open().set_note(id_of(request), note)) none_of(id_of(request));
    send(response, {{"id", id_of(request)}});
  });
  server.Delete(kOne, [&workshop](const httplib::Request& request, httplib::Response& response) {
    if (!workshop.store.open().remove(id_of(request))) none_of(id_of(request));
    response.status = 204;
  });
}

}  // namespace stratoscope::server
