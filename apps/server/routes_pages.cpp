#include <string>

#include "apps/server/pages.h"
#include "apps/server/routes.h"

namespace stratoscope::server {
namespace {

constexpr const char* kMissing =
    "This build of Stratoscope has no explorer: it was made without Node.js (STRATOSCOPE_EXPLORER=OFF).\n"
    "Install nodejs (18 or newer) and npm, then build again with './run build'. The HTTP interface works all the "
    "same:\n"
    "GET /openapi.json describes it.\n";

std::string as_pattern(std::string_view path) {
  std::string pattern;
  for (const char c : path) pattern += c == '.' ? std::string("\\.") : std::string(1, c);
  return pattern;
}

}  // namespace

void add_page_routes(HttpServer& server) {
  server.Get("/openapi\\.json", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(std::string(openapi()), "application/json");
  });
  for (const Page& page : pages()) {
    const auto send = [page](const httplib::Request&, httplib::Response& response) {
      // Names of assets change with their content.
      response.set_header("Cache-Control",
                          page.path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
      response.set_content(page.bytes.data(), page.bytes.size(), std::string(page.type));
    };
    server.Get(as_pattern(page.path), send);
    if (page.path == "/index.html") server.Get("/", send);
  }
  if (pages().empty())
    server.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.status = 503;
      response.set_content(kMissing, "text/plain; charset=utf-8");
    });
}

}  // namespace stratoscope::server
