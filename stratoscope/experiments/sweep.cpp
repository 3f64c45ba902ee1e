#include "stratoscope/experiments/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <set>
#include <utility>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/corpus/sweep_journal.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/files/file_hash.h"
#include "stratoscope/model/cone/cone_runs.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/session/alignment.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/session/nonfinite_points.h"

namespace stratoscope {
namespace {

// "layer 3, position 4"
std::string place_of_cell(const SweepExperiment& experiment, std::size_t point) {
  const auto values = values_of_point(experiment, point);
  std::string place;
  for (std::size_t a = 0; a < values.size(); ++a)
    place += (place.empty() ? "" : ", ") + experiment.axes[a].name + " " + values[a];
  return place.empty() ? "the only one" : place;
}

// Warnings: a target that is cut, grid points without effect or with results that are not finite.
std::vector<std::string> warnings_of(const Session& session, const SweepExperiment& experiment,
                                     const SweepRequest& request) {
  constexpr double kNearlyNothing = 1e-6;  // nats
  std::vector<std::string> warnings;
  if (!experiment.whole)
    for (const std::string& warning : cut_warnings(experiment.targets))
      warnings.push_back(warning + " ('sweep --whole' scores them all)");
  const SweepGrid grid(request.edits, request.axes);
  std::size_t without_effect = 0, cancelled = 0;
  NonfinitePoints nonfinite;
  for (std::size_t point = 0; point < experiment.result.effects.size(); ++point) {
    const Effect& effect = experiment.result.effects[point];
    nonfinite.look_at(effect, [&] { return place_of_cell(experiment, point); });
    if (!(effect.kl < kNearlyNothing)) continue;
    ++without_effect;
    const auto edits = grid.edits_at(point);
    if (std::any_of(edits.begin(), edits.end(),
                    [&](const EditExpression& edit) { return cancelled_by_final_norm(edit, session.config()); }))
      ++cancelled;
  }
  const auto of_all = [&](std::size_t count) {
    return std::to_string(count) + " of " + std::to_string(experiment.result.effects.size()) + " grid points";
  };
  if (without_effect > 0)
    warnings.push_back(
        of_all(without_effect) + " moved the prediction by next to nothing" +
        (cancelled == without_effect ? ": the final norm cancels a scaling of the last block's output" : ""));
  nonfinite.warn("grid points", warnings);
  return warnings;
}

// The requests of all prompts, and the data that their results need.
struct Prepared {
  std::vector<SweepExperiment> experiments;
  std::vector<std::optional<Text>> corrupt;
  std::vector<SweepRequest> requests;
};

// `text` is that of the prompt.
void prepare(const Session& session, const SweepExperimentRequest& request, const TextInput& text,
             const PromptLine& prompt, Prepared& prepared) {
  SweepExperiment& experiment = prepared.experiments.emplace_back();
  experiment.text = session.read(text, request.text_options);
  experiment.whole = request.whole;
  experiment.targets = read_targets(session, prompt.targets.empty() ? request.targets : prompt.targets);
  if (request.whole && experiment.targets.size() > 1)
    throw Error("target", "a whole target is one text, but " + std::to_string(experiment.targets.size()) + " are given",
                "name one with --target");
  for (const AxisExpression& axis : request.axes)
    experiment.axes.push_back(resolve_axis(axis, session.config(), experiment.text.ids.size(), request.edits));
  std::vector<Metric> metrics = {request.metric};
  metrics.insert(metrics.end(), request.also.begin(), request.also.end());
  if (request.whole)  // of which the sweep checks that it is alone
    for (const Metric metric : metrics) experiment.measures.push_back({metric, experiment.targets});
  else
    experiment.measures = measures_of("sweep", metrics, experiment.targets);
  if (request.position) experiment.position = request.position->in(experiment.text.ids.size(), "position");

  SweepRequest& sweep_request = prepared.requests.emplace_back();
  sweep_request.text = experiment.text.ids;
  std::optional<Text>& corrupt = prepared.corrupt.emplace_back();
  if (const auto& written = prompt.corrupt ? prompt.corrupt : request.corrupt) {
    corrupt = session.read(*written, request.text_options);
    sweep_request.corrupt = corrupt->ids;
  }
  sweep_request.edits = request.edits;
  sweep_request.axes = experiment.axes;
  sweep_request.whole = request.whole;
  sweep_request.position = experiment.position;
  sweep_request.tokenizer = &session.tokenizer();
  sweep_request.progress = session.progress();
  std::vector<Measure> measures;
  for (const auto& [metric, targets] : experiment.measures) {
    Measure& measure = measures.emplace_back(Measure{metric, {}});
    for (const Target& target : targets) measure.targets.push_back(target.id);
  }
  sweep_request.metric = measures[0].metric;
  sweep_request.targets = measures[0].targets;
  if (request.whole && experiment.targets.size() == 1) sweep_request.targets = experiment.targets[0].ids;
  sweep_request.also.assign(measures.begin() + 1, measures.end());
  // A line of a file may have a corrupt text that this sweep does not read.
  check_corrupt_is_read(edits_of_point(sweep_request, 0), corrupt.has_value() && !prompt.corrupt);
}

Prepared prepare(const Session& session, const SweepExperimentRequest& request) {
  Prepared prepared;
  if (request.prompts.empty()) {
    prepare(session, request, request.text, {}, prepared);
    return prepared;
  }
  for (std::size_t i = 0; i < request.prompts.size(); ++i) {
    try {
      prepare(session, request, request.prompts[i].text, request.prompts[i], prepared);
    } catch (const Error& error) {
      throw Error(error.where(), "prompt " + std::to_string(i) + ": " + error.problem(), error.hint());
    }
  }
  return prepared;
}

// The files of vectors that the edits of the grid points read.
std::vector<std::filesystem::path> vector_files(const Prepared& prepared) {
  std::set<std::string> files;
  for (const SweepRequest& request : prepared.requests) {
    const SweepGrid grid(request.edits, request.axes);
    if (!grid.has(EditSource::vector)) continue;
    for (std::size_t point = 0; point < grid.points(); ++point)
      for (const EditExpression& edit : grid.edits_at(point))
        for (const EditTerm& term : edit.terms)
          if (!term.vector_file.empty()) files.insert(term.vector_file);
  }
  return {files.begin(), files.end()};
}

// Everything that determines the results, as one line.
std::string description_of(const Session& session, const SweepExperimentRequest& request, const Prepared& prepared) {
  const Json document = begin_document(session);
  Json edits = Json::array(), files = Json::object();
  for (const EditTemplate& edit : request.edits) edits.push_back(edit.text());
  for (const std::filesystem::path& file : vector_files(prepared)) files[file.string()] = file_hash(file);
  Json json = {{"sweep", 1},
               {"model", document["model"]["hash"]},
               {"version", document["version"]},
               {"precision", document["precision"]},
               {"isa", document["isa"]},
               {"edits", std::move(edits)},
               {"metric", name_of(request.metric)},
               {"whole", request.whole},
               {"files", std::move(files)},
               {"prompts", Json::array()}};
  for (const SweepRequest& of : prepared.requests) {
    Json axes = Json::array();
    for (const SweepAxis& axis : of.axes) axes.push_back({axis.name, axis.values});
    Json prompt = {of.text, of.corrupt, of.targets, axes};
    for (const Measure& measure : of.also) prompt.push_back({name_of(measure.metric), measure.targets});
    if (of.position) prompt.push_back(*of.position);
    json["prompts"].push_back(std::move(prompt));
  }
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

// Runs `work`. If it compares texts of different lengths, the error has both tokenisations.
template <class Work>
auto with_tokenisations(const Prepared& prepared, const Work& work) {
  try {
    return work();
  } catch (LengthMismatch& mismatch) {
    for (std::size_t i = 0; i < prepared.corrupt.size(); ++i)
      if (prepared.corrupt[i] && prepared.corrupt[i]->ids.size() != prepared.experiments[i].text.ids.size()) {
        mismatch.set_details(side_by_side(prepared.experiments[i].text, *prepared.corrupt[i]));
        break;
      }
    throw;
  }
}

constexpr std::size_t kRowsThatFill = 192;

// The number of grid points that are computed together if results are shown as they are computed: enough rows for fast
// products, but few enough that results appear soon and other jobs wait only briefly.
std::size_t shown_at_once(std::size_t positions) {
  constexpr std::size_t kRows = 768, kMost = 64;
  return std::clamp<std::size_t>(kRows / positions, 1, kMost);
}

bool looks_like_an_axis(const std::string& text) {
  const std::size_t name = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  return name != std::string::npos && name > 0 && text[name] == '=';
}

// "12 s", "3 min", "2 h"; the text before it says "about".
std::string duration(double seconds) {
  if (seconds < 100) return short_number(seconds, 2) + " s";
  return seconds < 6000 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.0f} h", seconds / 3600);
}

// The number of operations in billions: "0.0121", "98.2", "1327".
std::string billions(double count) {
  return count < 1e12 ? short_number(1e-9 * count, 3) : fmt::format("{:.0f}", 1e-9 * count);
}

}  // namespace

std::string describe(const SweepOperations& operations) {
  if (operations.done == 0) return {};
  return fmt::format("{} billion operations; the cones need {}, whole runs {}", billions(operations.done),
                     billions(operations.required), billions(operations.whole));
}

SweepForecast forecast_sweep(const Session& session, const SweepExperimentRequest& request) {
  const Prepared prepared = prepare(session, request);
  const Model& model = session.model();
  SweepOptions options;
  options.memory_limit = request.memory_limit;
  std::optional<SweepJournal> journal;
  if (request.resume) {
    journal.emplace(*request.resume, description_of(session, request, prepared), SweepJournal::Use::read);
    options.known = [&](std::size_t prompt, std::size_t point) { return journal->known(prompt, point); };
  }
  SweepForecast forecast;
  forecast.plan = with_tokenisations(prepared, [&] { return plan_sweep(model, prepared.requests, options); });
  if (session.precision() == Precision::fp64) return forecast;
  // Only the clean run, twice, because the first one meets cold caches.
  ConeRequest clean;
  // Enough copies that products are as fast as those of the sweep.
  const TokenIds& text = prepared.requests[0].text;
  const std::size_t copies = std::clamp<std::size_t>(kRowsThatFill / text.size(), 1, forecast.plan.points);
  clean.texts.assign(copies, text);
  clean.first_asked.assign(copies, text.size() - 1);
  const double operations =
      static_cast<double>(copies) * cost_of_text(text.size(), text.size() - 1, model.config()).operations;
  double seconds = 0;
  for (int i = 0; i < 2; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run_cones(model, clean);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  forecast.seconds = seconds * forecast.plan.operations / operations;
  return forecast;
}

std::string describe(const SweepForecast& forecast) {
  const SweepPlan& plan = forecast.plan;
  return fmt::format(
      "{} grid point{}{}: {} of {} billion operations (whole runs), {:.0f} MiB in {} slice{}{}", plan.points,
      plan.points == 1 ? "" : "s", plan.known > 0 ? fmt::format(", {} of them done", plan.known) : "",
      billions(plan.operations), billions(plan.full_operations), std::ceil(static_cast<double>(plan.bytes) / (1 << 20)),
      plan.slices, plan.slices == 1 ? "" : "s", forecast.seconds > 0 ? ", about " + duration(forecast.seconds) : "");
}

Document to_json(const Session& session, const SweepForecast& forecast) {
  const SweepPlan& plan = forecast.plan;
  Json json = begin_document(session);
  json["plan"] = {{"cells", plan.points},          {"known", plan.known},
                  {"operations", plan.operations}, {"whole_operations", plan.full_operations},
                  {"bytes", plan.bytes},           {"slices", plan.slices},
                  {"seconds", forecast.seconds}};
  return finish_document(json);
}

void check_figure(const Session& session, const SweepExperimentRequest& request) {
  if (request.plan) return;
  SweptPrompts empty;
  empty.prompts = prepare(session, request).experiments;
  for (SweepExperiment& prompt : empty.prompts) {
    std::size_t points = 1;
    for (const SweepAxis& axis : prompt.axes) points *= axis.values.size();
    prompt.result.values.resize(points);
    prompt.result.also_clean.resize(prompt.measures.size() - 1);
    prompt.result.also_values.assign(prompt.measures.size() - 1, prompt.result.values);
  }
  static_cast<void>(figure_of(empty));
}

void describe(SweepExperimentRequest& request, Fields& fields) {
  fields
      .add("edits", request.edits,
           "rewrite a hook point, with placeholders for the axes, as in \"blocks.{layer}.hook_resid_post *= 0.8\"")
      .as_option("edit")
      .value("EXPR");
  add_corrupt(fields, request.corrupt);
  add_added_tokens(fields, request.text_options);
  add_truncate(fields, request.text_options);
  fields.add("axes", request.axes, "an axis: layer=all, position=2:5, factor=0,0.5,1")
      .as_option("over")
      .value("NAME=LIST …")
      .several(looks_like_an_axis);
  add_targets(fields, request.targets);
  add_metric(fields, request.metric);
  fields.add("also", request.also, "further metrics of the same runs").separated(',').value("METRIC,…");
  add_position(fields, request.position);
  fields.add("whole", request.whole, "score the whole target text, not its first token");
  fields
      .add("prompts", FieldTarget(PromptsOfFile{&request.prompts}),
           "instead of TEXT: JSON lines with text, and optionally corrupt, target or target_id")
      .value("FILE.jsonl");
  fields.add("save", FieldTarget(OutputFile{&request.save}), "every grid point as .csv, .json or .npz")
      .value("FILE")
      .local()
      .only_shown();
  fields
      .add("resume", FieldTarget(OutputFile{&request.resume}),
           "keep finished grid points in this file, and continue from those that it has")
      .value("FILE")
      .local()
      .only_shown();
  add_memory_limit(fields, request.memory_limit);
  fields.add("plan", request.plan, "print the cost of the sweep, and run no grid point").only_shown();
  add_text(fields, request.text, kTheText, {"prompts"});
}

void check(const SweepExperimentRequest& request) {
  if (!request.prompts.empty() && !(request.text.empty() && request.text.ids.empty()))
    throw Error("sweep", "a TEXT and --prompts are given", "leave out one of them");
  if (request.save && request.save == request.resume)
    throw Error("sweep", "--save and --resume name the same file", "name two different files");
}

void stream(SweepExperimentRequest& request, const EmitEvent& emit) {
  struct Gathered {
    std::size_t total = 1, first = 0, at_once = 1;
    Json values = Json::array();
  };
  auto gathered = std::make_shared<Gathered>();
  request.begin = [emit, gathered](const SweepExperiment& begun) {
    Json axes = Json::array();
    *gathered = {};
    for (const SweepAxis& axis : begun.axes) {
      axes.push_back({{"name", axis.name}, {"values", axis.values}});
      gathered->total *= axis.values.size();
    }
    gathered->at_once = shown_at_once(begun.text.ids.size());
    emit("start",
         finish_document({{"axes", std::move(axes)}, {"clean", begun.result.clean}, {"title", metric_title(begun)}}));
  };
  request.take = [emit, gathered](std::size_t, std::size_t point, const GridValue& result) {
    gathered->values.push_back(std::isfinite(result.value) ? Json(result.value) : Json());
    if (gathered->values.size() < gathered->at_once && point + 1 < gathered->total) return;
    const std::size_t first = std::exchange(gathered->first, point + 1);
    emit("cells", finish_document({{"first", first},
                                   {"values", std::exchange(gathered->values, Json::array())},
                                   {"done", point + 1},
                                   {"total", gathered->total}}));
  };
}

SweptPrompts sweep(const Session& session, const SweepExperimentRequest& request) {
  check(request);
  if (request.save) {
    check_results_ending(*request.save);
    { const AtomicFile can_be_written(*request.save); }  // before the long work
  }
  if (request.plan) {
    SweptPrompts planned;
    planned.plan = forecast_sweep(session, request);
    return planned;
  }
  Prepared prepared = prepare(session, request);
  SweepOptions options;
  options.memory_limit = request.memory_limit;
  options.points_per_slice = request.begin ? shown_at_once(prepared.experiments[0].text.ids.size()) : 0;
  options.take = request.take;
  if (request.begin)
    options.take_clean = [&](std::size_t prompt, const GridValue& clean) {
      prepared.experiments[prompt].result.clean = clean.value;
      request.begin(prepared.experiments[prompt]);
    };
  std::optional<SweepJournal> journal;
  if (request.resume) {
    journal.emplace(*request.resume, description_of(session, request, prepared), SweepJournal::Use::write);
    options.known = [&](std::size_t prompt, std::size_t point) { return journal->known(prompt, point); };
    options.take = [&](std::size_t prompt, std::size_t point, const GridValue& result) {
      journal->add(prompt, point, result);
      if (request.take) request.take(prompt, point, result);
    };
  }
  SweptPrompts swept;
  swept.from_file = !request.prompts.empty();
  auto results = with_tokenisations(
      prepared, [&] { return sweep_all(session.model(), prepared.requests, options, &swept.operations); });
  swept.prompts = std::move(prepared.experiments);
  for (std::size_t i = 0; i < results.size(); ++i) {
    swept.prompts[i].result = std::move(results[i]);
    const SweepRequest& of = prepared.requests[i];  // the first grid point represents all others
    swept.prompts[i].result.effect.globs = globs_of(SweepGrid(of.edits, of.axes).edits_at(0), session.config());
    swept.prompts[i].warnings = warnings_of(session, swept.prompts[i], prepared.requests[i]);
  }
  swept.vector_files = vector_files(prepared);
  if (request.save) save_results(session, swept, *request.save);
  return swept;
}

std::vector<std::string> warnings_of(const SweptPrompts& swept) {
  constexpr std::size_t kMost = 5;
  std::set<std::string> seen;
  std::vector<std::string> warnings;
  for (const SweepExperiment& prompt : swept.prompts)
    for (const std::string& warning : prompt.warnings)
      if (seen.insert(warning).second && warnings.size() < kMost) warnings.push_back(warning);
  if (seen.size() > kMost) warnings.push_back(fmt::format("… and {} more warnings of this kind", seen.size() - kMost));
  return warnings;
}

std::vector<std::filesystem::path> files_of(const SweptPrompts& swept) { return swept.vector_files; }

SweepExperiment sweep_text(const Session& session, const SweepExperimentRequest& request) {
  return std::move(sweep(session, request).prompts[0]);
}

}  // namespace stratoscope
