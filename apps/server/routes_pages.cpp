#include <string>

#include "apps/server/pages.h"
#include "apps/server/routes.h"

namespace stratoscope::server {
namespace {

constexpr const char* kPageMissing =
    "This build of Stratoscope has no explorer: it was built without Node.js (STRATOSCOPE_EXPLORER=OFF).\n"
    "Install nodejs (18 or newer) and npm, then build again with './run build'. The HTTP interface works "
    "nevertheless:\n"
    "GET /openapi.json describes it.\n";

}  // namespace

void add_page_routes(HttpServer& server, ServerContext& context) {
  server.add("GET", "/openapi.json", [description = openapi_document(context.experiments).dump()](const Request&) {
    return Response{.body = description};
  });
  for (const Page& page : pages()) {
    const auto send = [page](const Request&) {
      // The name of an asset contains a hash of its content.
      const bool is_asset = page.path.starts_with("/assets/");
      return Response{.body = std::string(page.bytes),
                      .type = std::string(page.type),
                      .headers = {{"Cache-Control", is_asset ? "public, max-age=31536000, immutable" : "no-cache"}}};
    };
    server.add("GET", std::string(page.path), send);
    if (page.path == "/index.html") server.add("GET", "/", send);
  }
  if (pages().empty())
    server.add("GET", "/", [](const Request&) {
      return Response{.status = 503, .body = kPageMissing, .type = "text/plain; charset=utf-8"};
    });
}

}  // namespace stratoscope::server
