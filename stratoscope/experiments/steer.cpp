#include "stratoscope/experiments/steer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/corpus/run_arrays.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/files/safetensors.h"
#include "stratoscope/probe/generate.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/probe/value_edit.h"
#include "stratoscope/session/continued_text.h"
#include "stratoscope/session/growing_text.h"
#include "stratoscope/session/hook_means.h"
#include "stratoscope/session/hook_rows.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/session/nonfinite_points.h"

namespace stratoscope {
namespace {

Hook hook_named(const HookExpression& expression) {
  const std::string& name = expression.text;
  for (const HookInfo& info : hook_table())
    if (info.scope == Scope::block && info.name == name && !info.has_axis(HookAxis::key) &&
        !info.has_axis(HookAxis::head))
      return info.hook;
  throw Error("steer", in_quotes(name) + " is not a hook point for steering",
              "such as hook_resid_post, hook_resid_pre, hook_resid_mid, hook_attn_out or hook_mlp_out");
}

std::vector<Text> read_side(const Session& session, const std::vector<std::string>& texts, const TextOptions& options,
                            const std::string& which) {
  if (texts.empty())
    throw Error("steer", "there is no " + which + " prompt", "give some of both kinds, or a file of vectors");
  return read_each(session, texts, options, which + " prompt");
}

std::vector<HookPoint> points_of(const Session& session, Hook hook) {
  std::vector<HookPoint> points;
  for (std::size_t layer = 0; layer < session.config().n_layers(); ++layer) points.push_back({hook, layer});
  return points;
}

void differences(const Session& session, const SteerRequest& request, Hook hook, Steering& steering) {
  TextOptions whole = request.text_options;
  whole.truncate = false;  // a cut text would change the mean and so the direction
  const auto positive = read_side(session, request.positive, whole, "positive");
  const auto negative = read_side(session, request.negative, whole, "negative");
  const auto points = points_of(session, hook);
  const MeanOf of = request.all_positions ? MeanOf::all_positions : MeanOf::last_positions;
  const auto a = hook_means(session, positive, points, of), b = hook_means(session, negative, points, of);
  for (const HookPoint point : points) {
    std::vector<double>& vector = steering.vectors.emplace_back(a.at(point));
    // Rounded as in a file.
    for (std::size_t i = 0; i < vector.size(); ++i)
      vector[i] = static_cast<double>(static_cast<float>(vector[i] - b.at(point)[i]));
  }
  steering.positive = positive.size();
  steering.negative = negative.size();
}

void read_vectors(const Session& session, const std::filesystem::path& path, Hook hook, Steering& steering) {
  const SafetensorsFile file(path);
  const auto check = [&](const char* key, const std::string& wanted) {
    const auto found = file.metadata().find(key);
    if (found != file.metadata().end() && found->second != wanted)
      throw Error("steer",
                  path.string() + " was made with the " + std::string(key) + " " + in_quotes(found->second) + ", not " +
                      in_quotes(wanted),
                  "name the same, or compute the directions again");
  };
  check("hook", steering.hook);
  check("model_hash", session.model_hash());
  for (std::size_t layer = 0; layer < session.config().n_layers(); ++layer) {
    const StoredTensor& tensor = file.at("layer." + std::to_string(layer));
    const Shape wanted{shape_of({hook, layer}, session.config(), 1).back()};
    if (tensor.shape != wanted)
      throw Error("steer",
                  path.string() + ": the vector 'layer." + std::to_string(layer) + "' has shape " +
                      to_string(tensor.shape) + ", expected " + to_string(wanted),
                  "it is of another model or hook point");
    auto& vector = steering.vectors.emplace_back(wanted[0]);
    convert(tensor.dtype, tensor.bytes, std::span<double>(vector));
    if (!std::all_of(vector.begin(), vector.end(), [](double number) { return std::isfinite(number); }))
      throw Error("steer", path.string() + ": the vector 'layer." + std::to_string(layer) + "' holds NaN or infinity");
  }
  file.check_unchanged();
}

void save(const Session& session, const SteerRequest& request, const Steering& steering) {
  std::vector<std::vector<float>> numbers;
  std::vector<ArrayView> arrays;
  for (const auto& vector : steering.vectors) numbers.emplace_back(vector.begin(), vector.end());
  for (std::size_t layer = 0; layer < numbers.size(); ++layer)
    arrays.push_back(
        array_view("layer." + std::to_string(layer), std::span<const float>(numbers[layer]), {numbers[layer].size()}));
  auto metadata = metadata_of(session);
  metadata["hook"] = steering.hook;
  metadata["recipe"] =
      request.all_positions ? "difference of means over all positions" : "difference of means over last positions";
  metadata["positive"] = Json(request.positive).dump(-1, ' ', true);
  metadata["negative"] = Json(request.negative).dump(-1, ' ', true);
  write_safetensors(*request.file, arrays, metadata);
}

SweepResult sweep_strengths(const Session& session, Hook hook, const Steering& steering, std::size_t memory_limit) {
  SweepRequest request;
  request.text = steering.text.ids;
  request.metric = steering.metric;
  for (const Target& target : steering.targets) request.targets.push_back(target.id);
  request.progress = session.progress();
  std::vector<std::size_t> positions(request.text.size());
  std::iota(positions.begin(), positions.end(), std::size_t{0});
  for (const std::size_t layer : steering.layers) {
    BasicTensor<double> numbers({steering.vectors[layer].size()});
    std::copy(steering.vectors[layer].begin(), steering.vectors[layer].end(), numbers.data());
    const auto direction = std::make_shared<const BasicTensor<double>>(std::move(numbers));
    for (const double strength : steering.strengths) {
      Operand operand{{}, {0, 0, 1}, direction, 0, strength};
      request.points.push_back({{{hook, layer},
                                 0,
                                 std::make_shared<ValueEdit>(hook, EditOp::add, std::move(operand), Chosen{}),
                                 positions}});
    }
  }
  SweepOptions options;
  options.memory_limit = memory_limit;
  return sweep(session.model(), request, options);
}

std::string written(const Session& session, const SteerRequest& request, const Text& text,
                    std::vector<EditExpression> edits) {
  GrowingText grown({});
  GenerateRequest generation;
  generation.prompt = text.ids;
  generation.edits = std::move(edits);
  generation.scope = EditScope::all;
  generation.max_new = request.max_new;
  generation.sampling = request.sampling;
  generation.progress = session.progress();
  const std::vector<TokenId>& ends = session.end_tokens();
  generation.on_token = [&](TokenId id, double) {
    if (std::find(ends.begin(), ends.end(), id) != ends.end()) return false;
    grown.add(session.token_bytes(id));
    return true;
  };
  if (session.precision() == Precision::fp64)
    generate<double>(session.model(), generation);
  else
    generate<float>(session.model(), generation);
  grown.rest();
  return grown.shown();
}

}  // namespace

void describe(SteerRequest& request, Fields& fields) {
  add_added_tokens(fields, request.text_options);
  add_truncate(fields, request.text_options, kCutAtTheBeginning);
  fields
      .add("positive", request.positive,
           "a prompt with the property that TEXT is steered to (may be given several times)")
      .value("TEXT");
  fields.add("negative", request.negative, "a prompt without this property (may be given several times)").value("TEXT");
  fields
      .add("positive_file", FieldTarget(TextsOfFile{&request.positive}),
           "more positive prompts, one JSON object with text per line")
      .value("FILE.jsonl")
      .local();
  fields.add("negative_file", FieldTarget(TextsOfFile{&request.negative}), "more negative prompts, likewise")
      .value("FILE.jsonl")
      .local();
  fields.add("all_positions", request.all_positions, "means over all positions (default: over the last positions)");
  fields.add("vectors", FieldTarget(InputFile{&request.vectors}), "instead of prompts: a file that --save wrote")
      .value("FILE.safetensors")
      .local();
  fields.add("hook", request.hook, "the hook point of each block that is read and steered").value("HOOK");
  fields.add("save", FieldTarget(OutputFile{&request.file}), "keep the directions, with their recipe")
      .value("FILE.safetensors")
      .local()
      .only_shown();
  fields.add("layers", request.layers, "blocks of the table").value("LIST");
  fields.add("strengths", request.strengths, "strengths of the table").value("LIST");
  fields.add("layer", request.layer, "the block that steers the new text (default: the middle one)").value("N");
  fields.add("strength", request.strength, "the strength for the new text").value("X");
  fields.add("max_new", request.max_new, "number of new tokens; 0 for none").value("N").serve_at_most(kMostServedNew);
  add_sampling(fields, request.sampling);
  add_targets(fields, request.targets);
  add_metric(fields, request.metric);
  add_memory_limit(fields, request.memory_limit);
  add_text(fields, request.text, "the text that is steered; - for standard input");
}

Steering steer(const Session& session, const SteerRequest& request) {
  Steering steering;
  const Hook hook = hook_named(request.hook);
  steering.hook = request.hook.text;
  steering.text = read_to_continue(session, request.text, request.text_options, request.max_new);
  steering.metric = request.metric;
  steering.targets = read_targets(session, request.targets);
  steering.layers = request.layers.in(session.config().n_layers(), "layer");
  steering.strengths = request.strengths;
  for (const double strength : steering.strengths)
    if (!std::isfinite(static_cast<float>(strength)))
      throw Error("steer", short_number(strength) + " is not a strength", "strengths are numbers: -4,0,4");
  if (steering.strengths.empty()) throw Error("steer", "there are no strengths", "such as -4,0,4");
  const std::size_t layer =
      request.layer ? request.layer->in(session.config().n_layers(), "layer") : session.config().n_layers() / 2;
  if (!std::isfinite(static_cast<float>(request.strength)))
    throw Error("steer", "the strength is not a finite number", "such as 4");
  if (request.file && request.file->extension() != ".safetensors")
    throw Error("steer", in_quotes(request.file->string()) + " does not end in .safetensors");
  if (request.vectors && (!request.positive.empty() || !request.negative.empty()))
    throw Error("steer", "vectors and prompts are given", "leave out one of them");
  if (request.vectors && request.file)
    throw Error("steer", "--vectors and --save are given", "the file of vectors holds the directions already");

  if (request.vectors)
    read_vectors(session, *request.vectors, hook, steering);
  else
    differences(session, request, hook, steering);
  if (std::all_of(steering.vectors.begin(), steering.vectors.end(), [](const auto& vector) {
        return std::all_of(vector.begin(), vector.end(), [](double number) { return number == 0; });
      }))
    throw Error("steer", "the two sets of prompts have the same mean at every block", "give prompts that differ");
  if (request.file) {
    save(session, request, steering);
    steering.file = request.file;
  }
  steering.sweep = sweep_strengths(session, hook, steering, request.memory_limit);
  steering.warnings = cut_warnings(steering.targets);
  NonfinitePoints nonfinite;
  for (std::size_t i = 0; i < steering.sweep.effects.size(); ++i)
    nonfinite.look_at(steering.sweep.effects[i], [&] {
      return "block " + std::to_string(steering.layers[i / steering.strengths.size()]) + ", strength " +
             short_number(steering.strengths[i % steering.strengths.size()]);
    });
  nonfinite.warn("grid points", steering.warnings);
  steering.layer = layer;
  steering.strength = request.strength;
  if (request.max_new == 0) return steering;
  if (const auto context = session.config().longest_text(); context && steering.text.ids.size() >= *context) {
    steering.warnings.push_back("the text fills the model's context of " + std::to_string(*context) +
                                " tokens: there is no room for a new one, so none is written");
    return steering;
  }
  EditExpression edit;
  edit.hook = name_of(HookPoint{hook, steering.layer});
  edit.text = edit.hook + " += a direction";
  edit.op = EditOp::add;
  EditTerm& direction = edit.terms.emplace_back();
  direction.source = EditSource::vector;
  direction.number = steering.strength;
  direction.vector_values = std::make_shared<const std::vector<double>>(steering.vectors[steering.layer]);
  steering.clean_text = written(session, request, steering.text, {});
  steering.steered_text = written(session, request, steering.text, {edit});
  return steering;
}

Document to_json(const Session& session, const Steering& steering) {
  Json json = begin_document(session, steering.sweep.effect, &steering.text);
  json["hook"] = steering.hook;
  json["prompts"] = {{"positive", steering.positive}, {"negative", steering.negative}};
  json["norms"] = Json::array();
  for (const auto& vector : steering.vectors)
    json["norms"].push_back(std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0)));
  json["metric"] = name_of(steering.metric);
  json["target"] = targets_json(steering.targets);
  json["clean"] = steering.sweep.clean;
  json["axes"] = {{{"name", "layer"}, {"values", steering.layers}},
                  {{"name", "strength"}, {"values", steering.strengths}}};
  json["results"] = Json::array();
  for (std::size_t i = 0; i < steering.sweep.values.size(); ++i)
    json["results"].push_back({{"layer", steering.layers[i / steering.strengths.size()]},
                               {"strength", steering.strengths[i % steering.strengths.size()]},
                               {"value", steering.sweep.values[i]}});
  json["generated"] = {{"layer", steering.layer},
                       {"strength", steering.strength},
                       {"clean", steering.clean_text},
                       {"steered", steering.steered_text}};
  if (steering.file) json["file"] = steering.file->string();
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Steering& steering) {
  const Shape grid = {steering.layers.size(), steering.strengths.size()};
  std::vector<double> kl;
  for (const Effect& effect : steering.sweep.effects) kl.push_back(effect.kl);
  return {named_values("values", grid, steering.sweep.values), named_values("kl", grid, std::move(kl)),
          named_values("vectors", steering.vectors)};
}

Figure figure_of(const Steering& steering) {
  const std::string title = metric_title(steering.metric, steering.targets);
  Figure figure;
  figure.title = "Steering by block and strength";
  figure.caption = "The " + title + " when the direction, times a strength, is added to " + steering.hook +
                   " at every position; the clean value is " + prose_number(steering.sweep.clean) + ".";
  Panel panel;
  panel.y.title = "edited block";
  panel.x.title = "strength";
  Heatmap map;
  std::vector<double> changes;
  for (const double strength : steering.strengths) panel.x.ticks.push_back(prose_number(strength));
  for (std::size_t i = 0; i < steering.layers.size(); ++i) {
    panel.y.ticks.push_back(block_label(steering.layers[i]));
    auto& row = map.values.emplace_back();
    for (std::size_t s = 0; s < steering.strengths.size(); ++s)
      row.push_back(steering.sweep.values[i * steering.strengths.size() + s] - steering.sweep.clean);
    changes.insert(changes.end(), row.begin(), row.end());
  }
  panel.marks = {map};
  figure.panels = {std::move(panel)};
  // A divergence has no negative values.
  double largest = 1e-12;
  for (const double change : changes)
    if (std::isfinite(change)) largest = std::max(largest, change);
  if (steering.metric == Metric::kl)
    figure.color = ColorScale{ColorMap::plasma, title, 0, largest};
  else
    figure.color = signed_scale(changes, "change of the " + title);
  return figure;
}

}  // namespace stratoscope
