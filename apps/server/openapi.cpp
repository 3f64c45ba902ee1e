// The OpenAPI document.
#include <nlohmann/json.hpp>

#include "apps/server/experiment_limits.h"
#include "apps/server/pages.h"
#include "apps/server/routes.h"
#include "apps/server/serve.h"

namespace stratoscope::server {
namespace {

Json query(const char* name, const char* description, Json values) {
  return {{"name", name},
          {"in", "query"},
          {"description", description},
          {"schema", {{"type", "string"}, {"enum", std::move(values)}}}};
}

Json route_of(const Experiment& experiment) {
  Json schema = schema_of(experiment.begin()->fields(), body_limits());
  schema["properties"]["model"] = {
      {"type", "string"}, {"description", "a name from GET /api/models; default: the one the server was started with"}};
  Json keys = {"version", "model", "precision", "isa"};
  for (const std::string& key : experiment.keys) keys.push_back(key);
  Json route = {{"summary", experiment.summary}};
  Json& parameters = route["parameters"] = Json::array();
  parameters.push_back({{"$ref", "#/components/parameters/client"}});
  parameters.push_back({{"$ref", "#/components/parameters/slot"}});
  if (experiment.has_figure) {
    parameters.push_back(query("figure", "the figure as a file, instead of the document",
                               {"svg", "png", "pdf", "csv", "html", "vl.json"}));
    parameters.push_back(query("theme", "of the figure; default: light", {"light", "dark"}));
  }
  if (experiment.has_arrays)
    parameters.push_back(
        query("format",
              "binary: a safetensors file of the larger lists of numbers, with the rest of the document "
              "as the text 'document' of its metadata; npz: the arrays alone; default: json",
              {"json", "binary", "npz"}));
  route["requestBody"] = {
      {"required", true},
      {"content",
       {{"application/json", {{"schema", std::move(schema)}, {"example", Json::parse(experiment.example)}}}}}};
  route["responses"] = {
      {"200",
       {{"description", "the document that the command line prints with --json"},
        {"content",
         {{"application/json", {{"schema", {{"type", "object"}, {"required", std::move(keys)}}}}},
          {"text/event-stream",
           {{"schema",
             {{"type", "string"},
              {"description",
               "with 'Accept: text/event-stream': events as they come where the experiment has some; last 'result' "
               "or 'error'"}}}}}}}}},
      {"default", {{"$ref", "#/components/responses/error"}}}};
  if (experiment.has_arrays)
    route["responses"]["200"]["content"]["application/octet-stream"] = {
        {"schema", {{"type", "string"}, {"format", "binary"}}}};
  return {{"post", std::move(route)}};
}

}  // namespace

Json openapi_document(const std::vector<Experiment>& experiments) {
  Json document = Json::parse(openapi());
  for (const Experiment& experiment : experiments)
    if (experiment.is_served) document["paths"]["/api/" + experiment.name] = route_of(experiment);
  return document;
}

std::string openapi_json() { return openapi_document(all_experiments()).dump(1); }

}  // namespace stratoscope::server
