// What the OpenAPI document says of a route.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace stratoscope::server {

using Json = nlohmann::ordered_json;

struct RouteDescription {
  std::string summary;
  std::vector<std::string> keys = {};  // of the JSON answer
  Json body = {};                      // schema of the JSON body; null for none
  Json example = {};                   // of the body; for tests, which send it
  Json parameters = Json::array();
  Json content = {};  // of the answer by media type, where it is not JSON alone
  int status = 200;   // of the answer
};
// The route's operation.
Json operation_of(const RouteDescription& route);

Json query_parameter(const char* name, const char* description, Json schema);
// {"type": "string"}, with a description.
Json text_schema(const char* description = nullptr);
Json one_of(Json values);
// Of an object without other members; `required` are names of `properties`.
Json object_schema(Json properties, Json required);
// The content of an answer whose media type has no schema of its own.
Json content_of(const char* media_type, const char* description, bool is_binary = false);

}  // namespace stratoscope::server
