// The results of a sweep as documents and files.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/sweep.h"
#include "stratoscope/figures/csv.h"
#include "stratoscope/files/save_arrays.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope {
namespace {

// A value of an axis as JSON: a number if it can be read as one.
Json axis_value(const std::string& text) {
  long whole = 0;
  double real = 0;
  const char* end = text.data() + text.size();
  if (auto [after, error] = std::from_chars(text.data(), end, whole); error == std::errc() && after == end)
    return whole;
  if (auto [after, error] = std::from_chars(text.data(), end, real);
      error == std::errc() && after == end && std::isfinite(real))
    return real;
  return text;
}

Shape shape_of(const SweepExperiment& experiment) {
  Shape shape;
  for (const SweepAxis& axis : experiment.axes) shape.push_back(axis.values.size());
  return shape;
}

// One target, a list of several, or null.
Json followed(const std::vector<Target>& targets) {
  if (targets.empty()) return {};
  return targets.size() == 1 ? target_json(targets[0]) : targets_json(targets);
}

// The numbers of each measure, if there are several.
void add_measures(const SweepExperiment& experiment, DocumentParts parts, Json& json) {
  if (experiment.position) json["position"] = *experiment.position;
  if (experiment.measures.size() == 1) return;
  json["measures"] = Json::array();
  for (std::size_t m = 0; m < experiment.measures.size(); ++m) {
    const TargetMeasure& measure = experiment.measures[m];
    Json one = {
        {"metric", name_of(measure.metric)}, {"target", followed(measure.targets)}, {"clean", clean_of(experiment, m)}};
    if (parts != DocumentParts::beside_arrays) one["values"] = values_of(experiment, m);
    json["measures"].push_back(std::move(one));
  }
}

// "clean", "axes" and "results" of one grid.
void add_grid(const SweepExperiment& experiment, DocumentParts parts, Json& json) {
  add_measures(experiment, parts, json);
  json["clean"] = experiment.result.clean;
  json["axes"] = Json::array();
  for (const SweepAxis& axis : experiment.axes) {
    Json values = Json::array();
    for (const std::string& value : axis.values) values.push_back(axis_value(value));
    json["axes"].push_back({{"name", axis.name}, {"values", values}});
  }
  if (parts == DocumentParts::beside_arrays) return;
  json["results"] = Json::array();
  for (std::size_t point = 0; point < experiment.result.values.size(); ++point) {
    Json result = Json::object();
    const auto values = values_of_point(experiment, point);
    for (std::size_t a = 0; a < values.size(); ++a) result[experiment.axes[a].name] = axis_value(values[a]);
    result["value"] = experiment.result.values[point];
    json["results"].push_back(std::move(result));
  }
}

}  // namespace

double clean_of(const SweepExperiment& experiment, std::size_t measure) {
  return measure == 0 ? experiment.result.clean : experiment.result.also_clean[measure - 1];
}

const std::vector<double>& values_of(const SweepExperiment& experiment, std::size_t measure) {
  return measure == 0 ? experiment.result.values : experiment.result.also_values[measure - 1];
}

std::vector<std::string> values_of_point(const SweepExperiment& experiment, std::size_t point) {
  std::vector<std::string> values(experiment.axes.size());
  for (std::size_t a = experiment.axes.size(); a-- > 0;) {
    const SweepAxis& axis = experiment.axes[a];
    values[a] = axis.values[point % axis.values.size()];
    point /= axis.values.size();
  }
  return values;
}

Document to_json(const Session& session, const SweepExperiment& experiment, DocumentParts parts) {
  Json json = begin_document(session, experiment.result.effect, &experiment.text);
  json["target"] = followed(experiment.targets);
  json["metric"] = name_of(experiment.measures[0].metric);
  add_grid(experiment, parts, json);
  return finish_document(json);
}

Document to_json(const Session& session, const SweptPrompts& swept, DocumentParts parts) {
  if (swept.plan) return to_json(session, *swept.plan);
  if (!swept.from_file) return to_json(session, swept.prompts[0], parts);
  Effect effect;
  for (const SweepExperiment& prompt : swept.prompts) effect.include(prompt.result.effect);
  Json json = begin_document(session, effect);
  json["metric"] = name_of(swept.prompts[0].measures[0].metric);
  json["prompts"] = Json::array();
  for (const SweepExperiment& prompt : swept.prompts) {
    Json one = {{"text", prompt.text.text}, {"target", followed(prompt.targets)}};
    add_grid(prompt, parts, one);
    json["prompts"].push_back(std::move(one));
  }
  return finish_document(json);
}

namespace {

void add_measures(const SweepExperiment& experiment, std::vector<NamedValues>& arrays) {
  std::vector<double> values, clean;
  for (std::size_t m = 0; m < experiment.measures.size(); ++m) {
    const auto& of = values_of(experiment, m);
    values.insert(values.end(), of.begin(), of.end());
    clean.push_back(clean_of(experiment, m));
  }
  Shape shape = shape_of(experiment);
  shape.insert(shape.begin(), experiment.measures.size());
  arrays.push_back(named_values("measures", shape, std::move(values)));
  arrays.push_back(named_values("clean_measures", std::move(clean)));
}

}  // namespace

std::vector<NamedValues> arrays_of(const SweptPrompts& swept) {
  if (swept.prompts.empty()) return {};
  const Shape grid = shape_of(swept.prompts.front());
  const bool equal = std::all_of(swept.prompts.begin(), swept.prompts.end(),
                                 [&](const SweepExperiment& prompt) { return shape_of(prompt) == grid; });
  std::vector<NamedValues> arrays;
  std::vector<double> values, kl, clean;
  const auto add = [&](const std::string& suffix, const Shape& shape) {
    arrays.push_back(named_values("values" + suffix, shape, std::exchange(values, {})));
    arrays.push_back(named_values("kl" + suffix, shape, std::exchange(kl, {})));
  };
  for (std::size_t i = 0; i < swept.prompts.size(); ++i) {
    const SweepResult& result = swept.prompts[i].result;
    values.insert(values.end(), result.values.begin(), result.values.end());
    for (const Effect& effect : result.effects) kl.push_back(effect.kl);
    clean.push_back(result.clean);
    if (!equal) add("." + std::to_string(i), shape_of(swept.prompts[i]));
  }
  Shape shape = grid;
  if (swept.from_file) shape.insert(shape.begin(), swept.prompts.size());
  if (equal) add("", shape);
  arrays.push_back(named_values("clean", clean));
  if (!swept.from_file && swept.prompts[0].measures.size() > 1) add_measures(swept.prompts[0], arrays);
  return arrays;
}

namespace {

std::string csv_of(const SweptPrompts& swept) {
  const SweepExperiment& first = swept.prompts[0];
  std::string csv = swept.from_file ? "prompt," : "";
  for (const SweepAxis& axis : first.axes) csv += csv_field(axis.name) + ",";
  csv += "value,clean,kl,max_change";
  for (std::size_t m = 1; m < first.measures.size(); ++m)
    csv += "," + csv_field(title_of(first.measures[m])) + ",clean";
  csv += "\r\n";
  for (std::size_t p = 0; p < swept.prompts.size(); ++p) {
    const SweepExperiment& prompt = swept.prompts[p];
    for (std::size_t point = 0; point < prompt.result.values.size(); ++point) {
      if (swept.from_file) csv += std::to_string(p) + ",";
      for (const std::string& value : values_of_point(prompt, point)) csv += csv_field(value) + ",";
      const Effect& effect = prompt.result.effects[point];
      csv += csv_number(prompt.result.values[point]) + "," + csv_number(prompt.result.clean) + "," +
             csv_number(effect.kl) + "," + csv_number(effect.max_change);
      for (std::size_t m = 1; m < prompt.measures.size(); ++m)
        csv += "," + csv_number(values_of(prompt, m)[point]) + "," + csv_number(clean_of(prompt, m));
      csv += "\r\n";
    }
  }
  return csv;
}

// `values` with shape [axes…] and `clean` of one prompt. For many prompts their values are concatenated, `clean` has
// shape [prompts], and row_offsets is added. An axis of numbers is an array with the name of the axis.
void save_npz(const SweptPrompts& swept, const std::filesystem::path& path) {
  std::vector<double> values, clean;
  std::vector<std::int64_t> offsets = {0};
  for (const SweepExperiment& prompt : swept.prompts) {
    values.insert(values.end(), prompt.result.values.begin(), prompt.result.values.end());
    clean.push_back(prompt.result.clean);
    offsets.push_back(static_cast<std::int64_t>(values.size()));
  }
  Shape shape = {values.size()};
  std::vector<std::pair<std::string, std::vector<double>>> axes;
  if (!swept.from_file) {
    shape.clear();
    for (const SweepAxis& axis : swept.prompts[0].axes) {
      shape.push_back(axis.values.size());
      std::vector<double> numbers;
      for (const std::string& value : axis.values)
        if (const Json json = axis_value(value); json.is_number()) numbers.push_back(json.get<double>());
      if (numbers.size() == axis.values.size()) axes.emplace_back("axis." + axis.name, std::move(numbers));
    }
  }
  using Doubles = std::span<const double>;
  std::vector<ArrayView> arrays = {array_view("values", Doubles(values), shape),
                                   array_view("clean", Doubles(clean), {clean.size()})};
  for (const auto& [name, numbers] : axes) arrays.push_back(array_view(name, Doubles(numbers), {numbers.size()}));
  if (swept.from_file)
    arrays.push_back(array_view("row_offsets", std::span<const std::int64_t>(offsets), {offsets.size()}));
  std::vector<NamedValues> measures;
  if (!swept.from_file && swept.prompts[0].measures.size() > 1) add_measures(swept.prompts[0], measures);
  for (const NamedValues& array : measures)
    arrays.push_back(array_view(array.name, Doubles(std::get<std::vector<double>>(array.values)), array.shape));
  save_arrays(path, arrays);
}

}  // namespace

void check_results_ending(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  if (ending != ".csv" && ending != ".json" && ending != ".npz")
    throw Error("sweep", in_quotes(path.string()) + " does not end in a format of results", "use .csv, .json or .npz");
}

void save_results(const Session& session, const SweptPrompts& swept, const std::filesystem::path& path) {
  check_results_ending(path);
  if (path.extension() == ".npz") return save_npz(swept, path);
  write_file_atomically(path, path.extension() == ".csv" ? csv_of(swept) : to_json(session, swept).text() + "\n");
}

}  // namespace stratoscope
