// Figures and documents as files: those of the command line, or a figure of the page.
#include <functional>
#include <map>
#include <utility>

#include "apps/server/figure_file.h"
#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "apps/server/views.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/activations.h"
#include "stratoscope/experiments/attention.h"
#include "stratoscope/experiments/lens.h"
#include "stratoscope/experiments/predict.h"
#include "stratoscope/experiments/similarity.h"
#include "stratoscope/experiments/typed_experiment.h"

namespace stratoscope::server {
namespace {

// The fields of an export besides those about the text.
struct ExportOptions {
  std::optional<std::string> token, depth, head, target;
  std::string position, color, score;
  Figure figure;  // of the page
  SweepExperimentRequest sweep;
};

struct Exported {
  Figure figure;
  Document document;
};

using Exporter = std::function<Exported(const Session&, const TextRequest&, const ExportOptions&)>;

template <class Request>
Request request_of(const TextRequest& text_request) {
  Request request;
  request.text = text_request.text;
  request.text_options = text_request.options;
  request.edits = text_request.edits();
  return request;
}

template <class Request, class Result>
Exported exported(const Session& session, const Request& request, Result outcome) {
  const stratoscope::Fields none;
  const TypedResult<Request, Result> result(session, request, none, std::move(outcome));
  return {*result.figure(), result.document()};
}

Exported predictions(const Session& session, const TextRequest& text_request, const ExportOptions& options) {
  auto request = request_of<PredictRequest>(text_request);
  request.position = Index::parse(options.position, "position");
  return exported(session, request, predict(session, request));
}

Exported depths(const Session& session, const TextRequest& text_request, const ExportOptions& options) {
  auto request = request_of<ActivationsRequest>(text_request);
  if (options.token) request.token = TokenChoice(*options.token);
  return exported(session, request, activations(session, request));
}

Exported between_depths(const Session& session, const TextRequest& text_request, const ExportOptions& options) {
  auto request = request_of<SimilarityRequest>(text_request);
  if (options.token) request.tokens = IndexList::parse(*options.token, "token");
  return exported(session, request, similarity_across_layers(session, request));
}

Exported between_tokens(const Session& session, const TextRequest& text_request, const ExportOptions& options) {
  auto request = request_of<SimilarityRequest>(text_request);
  if (options.depth) request.layers = IndexList::parse(*options.depth, "layer");
  return exported(session, request, similarity_across_tokens(session, request));
}

Exported profile(const Session& session, const TextRequest& text_request, const ExportOptions&) {
  const auto request = request_of<SimilarityRequest>(text_request);
  return exported(session, request, laminar_profile(session, request));
}

Exported lens(const Session& session, const TextRequest& text_request, const ExportOptions& options) {
  auto request = request_of<LensRequest>(text_request);
  request.color = parse_choice<LensColor>(options.color, "color");
  return exported(session, request, stratoscope::lens(session, request));
}

Exported heads(const Session& session, const TextRequest& text_request, const ExportOptions& options) {
  auto request = request_of<AttentionRequest>(text_request);
  if (options.head) request.heads.emplace_back(*options.head);
  request.by = parse_choice<AttentionScore>(options.score, "score");
  return exported(session, request, attention(session, request));
}

Exported sweep(const Session& session, const TextRequest&, const ExportOptions& options) {
  return exported(session, options.sweep, sweep_text(session, options.sweep));
}

Exported screen(const Session&, const TextRequest&, const ExportOptions& options) { return {options.figure, {}}; }

const std::map<std::string, Exporter>& exporters() {
  static const std::map<std::string, Exporter> all = {{"screen", screen},
                                                      {"predictions", predictions},
                                                      {"depth", depths},
                                                      {"similarity_depths", between_depths},
                                                      {"lens", lens},
                                                      {"sweep", sweep},
                                                      {"similarity_tokens", between_tokens},
                                                      {"profile", profile},
                                                      {"attention", heads}};
  return all;
}

template <class Map>
void check_choice(const char* field, const std::string& value, const Map& known) {
  if (known.contains(value)) return;
  std::string names;
  for (const auto& [name, entry] : known) names += (names.empty() ? "" : ", ") + name;
  throw HttpError(400, "request", std::string("field '") + field + "' is " + in_quotes(value), "one of " + names);
}

}  // namespace

Job::Step export_view(Fields& fields, const TextRequest& text_request) {
  constexpr std::size_t kShort = 40;
  const std::string what = fields.text("what", kShort), format = fields.text("format", kShort);
  const std::string theme = fields.text_or("theme", kShort, "light");
  ExportOptions options;
  options.token = fields.optional_text("token", kShort);
  options.depth = fields.optional_text("depth", kShort);
  options.head = fields.optional_text("head", kShort);
  options.position = fields.text_or("position", kShort, "-1");
  options.color = fields.text_or("color", kShort, "prob");
  options.score = fields.text_or("score", kShort, "previous");
  options.sweep = read_sweep(fields, text_request);
  check_choice("what", what, exporters());
  const FigureFormat figure_as = format == "json" ? FigureFormat() : figure_format(format, theme);
  if (what == "screen") {
    if (format == "json")
      throw HttpError(400, "request", "a figure of the page cannot be exported as json",
                      "svg, png, pdf, csv or vl.json");
    options.figure = read_figure(fields.value("figure"));
  }
  return [=](Job& job) mutable {
    if (what == "sweep") {
      served_axes(text_request.model->session(), options.sweep.text, options.sweep);
      options.sweep.begin = [](const SweepExperiment&) {};
      options.sweep.take = [&job](std::size_t, std::size_t, const GridValue&) { job.yield(); };
    } else {
      reject_files(text_request.edits());
    }
    const Exported result = exporters().at(what)(text_request.model->session(), text_request, options);
    if (format == "json")
      job.set_result(FileResult{result.document.text(), "application/json", what + ".json"});
    else
      job.set_result(file_of(result.figure, what, figure_as, &job));
    return true;
  };
}

}  // namespace stratoscope::server
