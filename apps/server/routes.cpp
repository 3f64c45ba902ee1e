#include "apps/server/routes.h"

namespace stratoscope::server {

void send(httplib::Response& response, const Json& json) {
  response.set_header("Cache-Control", "no-store");
  Answer answer;
  answer.json = json;
  response.set_content(as_json(answer), "application/json");
}

}  // namespace stratoscope::server
