// POST /api/figure draws a figure of numbers that the client has, such as a view of the page.
#include "apps/server/limits.h"
#include "apps/server/page_figure.h"
#include "apps/server/routes.h"
#include "stratoscope/base/json.h"

namespace stratoscope::server {

void add_figure_route(HttpServer& server, ServerContext& context) {
  server.add("POST", "/api/figure", [&context](const Request& request) {
    JobOptions options = job_options(request);
    if (!options.figure.is_asked()) options.figure = figure_format("svg", request.parameter("theme").value_or("light"));
    const Figure figure = read_figure(parse_json(request.body, "request", "body", kBodyValues));
    auto step = [figure, format = options.figure](Job& job) {
      job.set_result(file_of(figure, "figure", format, &job));
      return true;
    };
    const auto job = std::make_shared<Job>(JobPriority::low, std::move(step), options.streams, kJobTime);
    context.queue.submit(options.client, options.slot, job);
    return respond(context, job, request);
  });
}

}  // namespace stratoscope::server
