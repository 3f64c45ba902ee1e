// Figures, numbers and documents as files: the same as the command line's, or as on a screen.
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "apps/server/views.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/activations.h"
#include "stratoscope/experiments/attention.h"
#include "stratoscope/experiments/lens.h"
#include "stratoscope/experiments/predict.h"
#include "stratoscope/experiments/similarity.h"
#include "stratoscope/figures/csv.h"
#include "stratoscope/figures/save_figure.h"
#include "stratoscope/figures/text.h"

namespace stratoscope::server {
namespace {

// What can be asked for beside the text: which token, depth, head, and the sweep's fields.
struct Choice {
  std::optional<std::string> token, depth, head, target;
  std::string position, color, score;
  Figure figure;  // of the screen
  SweepExperimentRequest sweep;
};

struct Result {
  Figure figure;
  Document document;
};

using Experiment = std::function<Result(const Session&, const Asked&, const Choice&)>;

template <class Request>
Request request_of(const Asked& asked) {
  Request request;
  request.text = asked.text;
  request.text_options = asked.options;
  request.edits = asked.edits;
  return request;
}

template <class Outcome>
Result result_of(const Session& session, const Outcome& outcome) {
  return {figure_of(outcome), to_json(session, outcome)};
}

Result predictions(const Session& session, const Asked& asked, const Choice& choice) {
  auto request = request_of<PredictRequest>(asked);
  request.position = choice.position;
  return result_of(session, predict(session, request));
}

Result depths(const Session& session, const Asked& asked, const Choice& choice) {
  auto request = request_of<ActivationsRequest>(asked);
  request.token = choice.token;
  return result_of(session, activations(session, request));
}

Result between_depths(const Session& session, const Asked& asked, const Choice& choice) {
  auto request = request_of<SimilarityRequest>(asked);
  request.chosen = choice.token;
  return result_of(session, similarity_across_layers(session, request));
}

Result between_tokens(const Session& session, const Asked& asked, const Choice& choice) {
  auto request = request_of<SimilarityRequest>(asked);
  request.chosen = choice.depth;
  return result_of(session, similarity_across_tokens(session, request));
}

Result profile(const Session& session, const Asked& asked, const Choice&) {
  return result_of(session, laminar_profile(session, request_of<SimilarityRequest>(asked)));
}

Result lens(const Session& session, const Asked& asked, const Choice& choice) {
  auto request = request_of<LensRequest>(asked);
  const Lens lens = logit_lens(session, request);
  return {figure_of(lens, parse_lens_color(choice.color)), to_json(session, lens)};
}

Result heads(const Session& session, const Asked& asked, const Choice& choice) {
  auto request = request_of<AttentionRequest>(asked);
  if (choice.head) request.heads = {*choice.head};
  const Attention result = attention(session, request);
  return {figure_of(result, choice.score), to_json(session, result)};
}

Result swept(const Session& session, const Asked&, const Choice& choice) {
  return result_of(session, run_sweep(session, choice.sweep));
}

Result screen(const Session&, const Asked&, const Choice& choice) { return {choice.figure, {}}; }

const std::map<std::string, Experiment>& experiments() {
  static const std::map<std::string, Experiment> all = {{"screen", screen},
                                                        {"predictions", predictions},
                                                        {"depth", depths},
                                                        {"similarity_depths", between_depths},
                                                        {"lens", lens},
                                                        {"sweep", swept},
                                                        {"similarity_tokens", between_tokens},
                                                        {"profile", profile},
                                                        {"attention", heads}};
  return all;
}

const std::map<std::string, std::string>& types() {
  static const std::map<std::string, std::string> all = {{"svg", "image/svg+xml"},     {"png", "image/png"},
                                                         {"pdf", "application/pdf"},   {"csv", "text/csv"},
                                                         {"json", "application/json"}, {"vl.json", "application/json"}};
  return all;
}

template <class Map>
void check_choice(const char* field, const std::string& value, const Map& known) {
  if (known.contains(value)) return;
  std::string names;
  for (const auto& [name, entry] : known) names += (names.empty() ? "" : ", ") + name;
  throw Refusal(400, "request", std::string("field '") + field + "' is " + in_quotes(value), "one of " + names);
}

// gnuplot calls every svg "Gnuplot", which a browser shows as its name.
std::string named(std::string svg, const std::string& title) {
  static constexpr std::string_view kGiven = "<title>Gnuplot</title>";
  const std::size_t at = svg.find(kGiven);
  if (at != std::string::npos) svg.replace(at, kGiven.size(), "<title>" + escape_html(plain_text(title)) + "</title>");
  return svg;
}

FileAnswer file_of(const Result& result, const std::string& what, const std::string& format, Theme theme,
                   const Progress* progress) {
  const std::string name = what + "." + format, &type = types().at(format);
  if (format == "json") return {result.document.text, type, name};
  if (format == "csv") return {csv(result.figure), type, name};
  const PassingFolder folder;
  try {
    save_figure(result.figure, folder.path() / name, theme, progress);
  } catch (const NotDrawn& error) {
    throw Refusal(501, error.where(), error.problem());  // its hint names files that are gone with the folder
  }
  std::string bytes = bytes_of(folder.path() / name);
  return {format == "svg" ? named(std::move(bytes), result.figure.title) : std::move(bytes), type, name};
}

}  // namespace

Job::Step export_view(Fields& fields, const Asked& asked) {
  constexpr std::size_t kShort = 40;
  const std::string what = fields.text("what", kShort), format = fields.text("format", kShort);
  const bool dark = fields.text_or("theme", kShort, "light") == "dark";
  Choice choice;
  choice.token = fields.optional_text("token", kShort);
  choice.depth = fields.optional_text("depth", kShort);
  choice.head = fields.optional_text("head", kShort);
  choice.position = fields.text_or("position", kShort, "-1");
  choice.color = fields.text_or("color", kShort, "prob");
  choice.score = fields.text_or("score", kShort, "previous");
  choice.sweep = read_sweep(fields, asked);
  check_choice("what", what, experiments());
  check_choice("format", format, types());
  if (what == "screen") {
    if (format == "json")
      throw Refusal(400, "request", "a screen's figure has no json", "svg, png, pdf, csv or vl.json");
    choice.figure = read_figure(fields.anything("figure"));
  }
  return [=](Job& job) mutable {
    if (what == "sweep") {
      check_sweep(asked, choice.sweep);
      choice.sweep.points_at_once = points_at_once(asked, choice.sweep);
      choice.sweep.take = [&job](std::size_t, std::size_t, const GridValue&) { job.let_others_pass(); };
    } else {
      refuse_files(asked.edits);
    }
    const Result result = experiments().at(what)(asked.model->session(), asked, choice);
    job.set_result(file_of(result, what, format, dark ? Theme::dark : Theme::light, &job));
    return true;
  };
}

}  // namespace stratoscope::server
