// Routes of saved experiments: save, list, read, change the note, delete.
#include <charconv>

#include "apps/server/experiment_file.h"
#include "apps/server/fields.h"
#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "apps/server/routes.h"
#include "stratoscope/base/json.h"

namespace stratoscope::server {
namespace {

constexpr const char* kExperimentPath = "/api/experiments/{id}";

long parse_number(const std::string& text, long fallback) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : fallback;
}

long id_of(const Request& request) { return parse_number(request.id, 0); }

[[noreturn]] void throw_not_found(long id) {
  throw HttpError(404, "experiments", "there is no experiment " + std::to_string(id));
}

Json summary_json(const ExperimentSummary& summary) {
  return {{"id", summary.id},     {"created", summary.created}, {"note", summary.note},
          {"text", summary.text}, {"model", summary.model},     {"model_hash", summary.model_hash}};
}

Store::ShouldContinue while_connected(const ServerContext& context, const Request& request) {
  return [&] { return !context.server.is_stopping() && !request.client_disconnected(); };
}

}  // namespace

Store& LazyStore::open() {
  const std::lock_guard lock(mutex_);
  if (!store_) store_.emplace(file_);
  return *store_;
}

void add_experiment_routes(HttpServer& server, ServerContext& context) {
  server.add("GET", "/api/experiments", [&context](const Request& request) {
    const long before = parse_number(request.parameter("before").value_or(""), 0);
    Json list = Json::array();
    const std::string search = request.parameter("search").value_or("");
    for (const ExperimentSummary& summary :
         context.store.open().list(search, before, kListLength, while_connected(context, request)))
      list.push_back(summary_json(summary));
    return json_response({{"experiments", list}});
  });
  server.add("POST", "/api/experiments", [&context](const Request& request) {
    const SavedExperiment experiment = read_experiment(request.body);
    return json_response({{"id", context.store.open().save(experiment, while_connected(context, request))}}, 201);
  });
  server.add("GET", kExperimentPath, [&context](const Request& request) {
    const auto found = context.store.open().find(id_of(request));
    if (!found) throw_not_found(id_of(request));
    Json json = summary_json(found->summary);
    json["experiment"] = parse_ordered_json(found->document, "experiment", "document");
    return json_response(json);
  });
  server.add("PATCH", kExperimentPath, [&context](const Request& request) {
    Fields fields(request.body);
    const std::string note = fields.text("note", kNoteBytes);
    fields.reject_unknown();
    if (!context.store.open().set_note(id_of(request), note, while_connected(context, request)))
      throw_not_found(id_of(request));
    return json_response({{"id", id_of(request)}});
  });
  server.add("DELETE", kExperimentPath, [&context](const Request& request) {
    if (!context.store.open().remove(id_of(request), while_connected(context, request)))
      throw_not_found(id_of(request));
    return Response{.status = 204};
  });
}

}  // namespace stratoscope::server
