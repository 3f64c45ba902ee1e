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

Response list_of_experiments(ServerContext& context, const Request& request) {
  const long before = parse_number(request.parameter("before").value_or(""), 0);
  Json list = Json::array();
  const std::string search = request.parameter("search").value_or("");
  for (const ExperimentSummary& summary :
       context.store.open().list(search, before, kListLength, while_connected(context, request)))
    list.push_back(summary_json(summary));
  return json_response({{"experiments", list}});
}

Response save_experiment(ServerContext& context, const Request& request) {
  const SavedExperiment experiment = read_experiment(request.body);
  return json_response({{"id", context.store.open().save(experiment, while_connected(context, request))}}, 201);
}

Response one_experiment(ServerContext& context, const Request& request) {
  const auto found = context.store.open().find(id_of(request));
  if (!found) throw_not_found(id_of(request));
  Json json = summary_json(found->summary);
  json["experiment"] = parse_ordered_json(found->document, "experiment", "document");
  return json_response(json);
}

Response change_note(ServerContext& context, const Request& request) {
  Fields fields(request.body);
  const std::string note = fields.text("note", kNoteBytes);
  fields.reject_unknown();
  if (!context.store.open().set_note(id_of(request), note, while_connected(context, request)))
    throw_not_found(id_of(request));
  return json_response({{"id", id_of(request)}});
}

Response delete_experiment(ServerContext& context, const Request& request) {
  if (!context.store.open().remove(id_of(request), while_connected(context, request))) throw_not_found(id_of(request));
  return Response{.status = 204};
}

// Of the document that the page saves and imports.
Json experiment_schema() {
  const Json text = text_schema(), object = {{"type", "object"}};
  const Json texts = {{"type", "array"}, {"items", text}};
  const Json model = {
      {"type", "object"}, {"required", {"name", "hash"}}, {"properties", {{"name", text}, {"hash", text}}}};
  const Json sweep = {
      {"type", "object"},
      {"properties",
       {{"edits", texts}, {"axes", texts}, {"targets", texts}, {"metric", text}, {"whole", {{"type", "boolean"}}}}}};
  return object_schema({{"stratoscope", {{"const", "experiment"}}},
                        {"version", text},
                        {"model", model},
                        {"text", text},
                        {"bos", {{"type", "boolean"}}},
                        {"edits", texts},
                        {"corrupt", text},
                        {"sweep", sweep},
                        {"note", {{"type", "string"}, {"maxLength", kNoteBytes}}},
                        {"state", {{"type", "object"}, {"description", "of the page"}}},
                        {"result", object},
                        {"record", {{"type", "integer"}, {"minimum", 0}}},
                        {"edit_language", {{"type", "integer"}, {"minimum", 0}}},
                        {"command", text},
                        {"options", object},
                        {"precision", text},
                        {"isa", text}},
                       {"stratoscope", "version", "model", "text"});
}

}  // namespace

Store& LazyStore::open() {
  const std::lock_guard lock(mutex_);
  if (!store_) store_.emplace(file_);
  return *store_;
}

std::vector<Route> saved_routes() {
  const Json number = {{"type", "integer"}, {"minimum", 0}};
  const Json id = {{{"name", "id"}, {"in", "path"}, {"required", true}, {"schema", number}}};
  RouteDescription list{.summary = "saved experiments, newest first", .keys = {"experiments"}};
  list.parameters = {query_parameter("search", "in texts and notes", text_schema()),
                     query_parameter("before", "only those with a lower id", number)};
  const RouteDescription save{
      .summary = "save or import an experiment",
      .keys = {"id"},
      .body = experiment_schema(),
      .example = Json::parse(
          R"({"stratoscope": "experiment", "version": "0.1.0", "model": {"name": "novella-7m", "hash": "0000000000000000"}, "text": "Penguins are cute.", "edits": [], "note": "an example"})"),
      .status = 201};
  const RouteDescription one{.summary = "one experiment",
                             .keys = {"id", "created", "note", "text", "model", "model_hash", "experiment"},
                             .parameters = id};
  const RouteDescription note{.summary = "change its note",
                              .keys = {"id"},
                              .body = object_schema({{"note", text_schema()}}, {"note"}),
                              .example = {{"note", "another note"}},
                              .parameters = id};
  return {{"GET", "get", "/api/experiments", list, list_of_experiments},
          {"POST", "post", "/api/experiments", save, save_experiment},
          {"GET", "get", kExperimentPath, one, one_experiment},
          {"PATCH", "patch", kExperimentPath, note, change_note},
          {"DELETE",
           "delete",
           kExperimentPath,
           {.summary = "delete it", .parameters = id, .status = 204},
           delete_experiment}};
}

}  // namespace stratoscope::server
