// POST /api/figure draws a figure of numbers that the client has, such as a view of the page.
#include "apps/server/limits.h"
#include "apps/server/page_figure.h"
#include "apps/server/routes.h"
#include "stratoscope/base/json.h"

namespace stratoscope::server {

std::vector<Route> figure_routes() {
  RouteDescription description{
      .summary = "a figure of numbers of your own, as a file",
      .body = object_schema(
          {{"title", text_schema()},
           {"note", text_schema()},
           {"side_by_side", {{"type", "boolean"}}},
           {"color", {{"type", "object"}, {"description", "map: plasma or diverging, title, low, high, no_bar"}}},
           {"panels",
            {{"type", "array"},
             {"maxItems", kFigurePanels},
             {"description",
              "of {title, x, y, marks}; an axis is {title, ticks, range}; a mark has a type: heatmap {values, texts}, "
              "points {columns}, line {label, x, y, markers}, bars {values, horizontal, by_category}, reference "
              "{label, y}"}}}},
          {"panels"}),
      .example =
          Json::parse(R"({"title": "A line", "panels": [{"marks": [{"type": "line", "x": [0, 1], "y": [1, 2]}]}]})"),
      .parameters = {query_parameter("figure", "default: svg", one_of({"svg", "png", "pdf", "csv", "html", "vl.json"})),
                     query_parameter("theme", "default: light", one_of({"light", "dark"}))},
      .content = content_of("image/svg+xml", "the figure, or a file of the other formats")};
  return {{"POST", "post", "/api/figure", std::move(description), [](ServerContext& context, const Request& request) {
             JobOptions options = job_options(request);
             if (!options.figure.is_asked())
               options.figure = figure_format("svg", request.parameter("theme").value_or("light"));
             const Figure figure = read_figure(parse_json(request.body, "request", "body", kBodyValues));
             auto step = [figure, format = options.figure](Job& job) {
               job.set_result(file_of(figure, "figure", format, &job));
               return true;
             };
             const auto job = std::make_shared<Job>(JobPriority::low, std::move(step), options.streams, kJobTime);
             context.queue.submit(options.client, options.slot, job);
             return respond(context, job, request);
           }}};
}

}  // namespace stratoscope::server
