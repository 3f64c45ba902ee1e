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

constexpr const char* kOne = "/api/experiments/{id}";

long number_in(const std::string& text, long otherwise) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : otherwise;
}

long id_of(const Request& request) { return number_in(request.id, 0); }

[[noreturn]] void none_of(long id) {
  throw Refusal(404, "experiments", "there is no experiment " + std::to_string(id));
}

Json summary_json(const ExperimentSummary& summary) {
  return {{"id", summary.id},     {"created", summary.created}, {"note", summary.note},
          {"text", summary.text}, {"model", summary.model},     {"model_hash", summary.model_hash}};
}

Store::Wanted wanted_by(const Workshop& workshop, const Request& request) {
  return [&] { return !workshop.server.is_stopping() && !request.client_is_gone(); };
}

}  // namespace

Store& StoreDoor::open() {
  const std::lock_guard lock(mutex_);
  if (!store_) store_.emplace(file_);
  return *store_;
}

void add_experiment_routes(HttpServer& server, Workshop& workshop) {
  server.add("GET", "/api/experiments", [&workshop](const Request& request) {
    const long before = number_in(request.parameter("before").value_or(""), 0);
    Json list = Json::array();
    const std::string search = request.parameter("search").value_or("");
    for (const ExperimentSummary& summary :
         workshop.store.open().list(search, before, kListed, wanted_by(workshop, request)))
      list.push_back(summary_json(summary));
    return document({{"experiments", list}});
  });
  server.add("POST", "/api/experiments", [&workshop](const Request& request) {
    const SavedExperiment experiment = read_experiment(request.body);
    return document({{"id", workshop.store.open().save(experiment, wanted_by(workshop, request))}}, 201);
  });
  server.add("GET", kOne, [&workshop](const Request& request) {
    const auto found = workshop.store.open().find(id_of(request));
    if (!found) none_of(id_of(request));
    Json json = summary_json(found->summary);
    json["experiment"] = parse_ordered_json(found->document, "experiment", "document");
    return document(json);
  });
  server.add("PATCH", kOne, [&workshop](const Request& request) {
    Fields fields(request.body);
    const std::string note = fields.text("note", kNoteBytes);
    fields.refuse_others();
    if (!workshop.store.open().set_note(id_of(request), note, wanted_by(workshop, request))) none_of(id_of(request));
    return document({{"id", id_of(request)}});
  });
  server.add("DELETE", kOne, [&workshop](const Request& request) {
    if (!workshop.store.open().remove(id_of(request), wanted_by(workshop, request))) none_of(id_of(request));
    return Response{.status = 204};
  });
}

}  // namespace stratoscope::server
