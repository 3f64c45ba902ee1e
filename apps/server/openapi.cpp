#include "apps/server/openapi.h"

#include "apps/server/experiment_limits.h"
#include "apps/server/routes.h"
#include "apps/server/serve.h"
#include "stratoscope/version.h"

namespace stratoscope::server {
namespace {

constexpr const char* kAbout =
    "Look inside transformer language models over HTTP. Bodies are JSON; unknown fields are rejected. A newer request "
    "of "
    "the same client and slot cancels the older one, which gets 409. From other machines every /api/ request needs "
    "'Authorization: Bearer TOKEN'.";

Json header(const char* name, const char* description) {
  return {{"name", name},
          {"in", "header"},
          {"schema", {{"type", "string"}, {"maxLength", 64}}},
          {"description", description}};
}

Json error_schema() {
  Json properties;
  for (const char* const key : {"where", "problem", "hint", "message", "details"}) properties[key] = text_schema();
  const Json error = {
      {"type", "object"}, {"required", {"where", "problem", "hint", "message"}}, {"properties", std::move(properties)}};
  return {{"type", "object"}, {"required", {"error"}}, {"properties", {{"error", error}}}};
}

Json components() {
  return {{"parameters",
           {{"client", header("X-Stratoscope-Client", "the name of a client, such as a tab; clients take turns")},
            {"slot", header("X-Stratoscope-Slot", "a newer request of the same client and slot cancels this one")}}},
          {"responses",
           {{"error",
             {{"description", "an error; one over a limit names it"},
              {"content", {{"application/json", {{"schema", error_schema()}}}}}}}}}};
}

Json parameters_of(const Experiment& experiment) {
  Json parameters = {{{"$ref", "#/components/parameters/client"}}, {{"$ref", "#/components/parameters/slot"}}};
  if (experiment.has_figure) {
    parameters.push_back(query_parameter("figure", "the figure as a file, instead of the document",
                                         one_of({"svg", "png", "pdf", "csv", "html", "vl.json"})));
    parameters.push_back(query_parameter("theme", "of the figure; default: light", one_of({"light", "dark"})));
  }
  if (experiment.has_arrays)
    parameters.push_back(query_parameter("format",
                                         "binary: a safetensors file of the larger lists of numbers, with the rest of "
                                         "the document as the text 'document' "
                                         "of its metadata; npz: the arrays alone; default: json",
                                         one_of({"json", "binary", "npz"})));
  return parameters;
}

Json operation_of(const Experiment& experiment) {
  RouteDescription route{.summary = experiment.summary, .keys = {"version", "model", "precision", "isa"}};
  route.keys.insert(route.keys.end(), experiment.keys.begin(), experiment.keys.end());
  route.parameters = parameters_of(experiment);
  route.body = schema_of(experiment.begin()->fields(), body_limits());
  route.body["properties"]["model"] =
      text_schema("a name from GET /api/models; default: the one the server was started with");
  route.example = Json::parse(experiment.example);
  route.content = content_of(
      "text/event-stream",
      "with 'Accept: text/event-stream': events as they come where the experiment has some; last 'result' or "
      "'error'");
  if (experiment.has_arrays) route.content.update(content_of("application/octet-stream", "with ?format=binary", true));
  return server::operation_of(route);
}

}  // namespace

Json query_parameter(const char* name, const char* description, Json schema) {
  return {{"name", name}, {"in", "query"}, {"description", description}, {"schema", std::move(schema)}};
}

Json text_schema(const char* description) {
  Json schema = {{"type", "string"}};
  if (description != nullptr) schema["description"] = description;
  return schema;
}

Json one_of(Json values) { return {{"type", "string"}, {"enum", std::move(values)}}; }

Json object_schema(Json properties, Json required) {
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

Json content_of(const char* media_type, const char* description, bool is_binary) {
  Json schema = text_schema(description);
  if (is_binary) schema["format"] = "binary";
  Json content;
  content[media_type] = {{"schema", std::move(schema)}};
  return content;
}

Json operation_of(const RouteDescription& route) {
  Json operation = {{"summary", route.summary}};
  if (!route.parameters.empty()) operation["parameters"] = route.parameters;
  if (!route.body.is_null())
    operation["requestBody"] = {
        {"required", true}, {"content", {{"application/json", {{"schema", route.body}, {"example", route.example}}}}}};
  Json content = Json::object();
  if (!route.keys.empty()) content["application/json"] = {{"schema", {{"type", "object"}, {"required", route.keys}}}};
  if (!route.content.is_null()) content.update(route.content);
  Json answer = {{"description", "done"}};
  if (!content.empty()) answer["content"] = std::move(content);
  operation["responses"][std::to_string(route.status)] = std::move(answer);
  operation["responses"]["default"] = {{"$ref", "#/components/responses/error"}};
  return operation;
}

Json openapi_document(const std::vector<Experiment>& experiments) {
  Json document = {{"openapi", "3.1.0"},
                   {"info", {{"title", "Stratoscope"}, {"version", STRATOSCOPE_VERSION}, {"description", kAbout}}},
                   {"paths", Json::object()},
                   {"components", components()}};
  for (const Route& route : fixed_routes())
    document["paths"][route.path][route.openapi_method] = operation_of(route.description);
  for (const Experiment& experiment : experiments)
    if (experiment.is_served) document["paths"]["/api/" + experiment.name]["post"] = operation_of(experiment);
  return document;
}

std::string openapi_json() { return openapi_document(all_experiments()).dump(1); }

}  // namespace stratoscope::server
