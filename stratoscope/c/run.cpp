// A forward pass, whose arrays the result takes over.
#include "stratoscope/experiments/run.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/memory.h"
#include "stratoscope/c/call.h"
#include "stratoscope/c/callbacks.h"
#include "stratoscope/c/handles.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/model/pass/forward.h"
#include "stratoscope/probe/captures.h"
#include "stratoscope/request/json_fields.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope {

inline constexpr Choice<LogitRows> kLogitRows[] = {
    {LogitRows::none, "none"}, {LogitRows::last, "last"}, {LogitRows::all, "all"}};
constexpr std::span<const Choice<LogitRows>> choices_of(LogitRows) { return kLogitRows; }

namespace c {
namespace {

struct PassRequest {
  std::vector<std::string> texts = {};
  std::vector<TokenIds> ids = {};
  TextOptions text_options = {};
  Edits edits = {};
  std::vector<HookExpression> edit_points = {}, captures = {};
  bool hidden_states = true;
  LogitRows logits = LogitRows::all;
  std::optional<Index> stop_at = {};
  bool effect = false;
};

void describe(PassRequest& request, Fields& fields) {
  fields.add("texts", FieldTarget(TextsOfFile{&request.texts}), "the texts");
  add_edits(fields, request.edits, request.text_options);
  fields.add("edit_points", request.edit_points, "hook points whose values the callback edits");
  fields.add("capture", request.captures, "hook points whose values are kept");
  fields.add("hidden_states", request.hidden_states, "keep the hidden states");
  fields.add("logits", request.logits, "the rows whose logits are computed");
  fields.add("stop_at", request.stop_at, "run the blocks before this one alone");
  fields.add("effect", request.effect, "measure the edits' effect, by a second run without them");
}

// The member "ids" of a request: a list of lists of token ids.
std::vector<TokenIds> read_ids(const nlohmann::json& value) {
  const auto refuse = [] {
    throw Error("request", "field 'ids' is no list of lists of token ids", "such as [[464, 6193]]");
  };
  if (!value.is_array()) refuse();
  std::vector<TokenIds> sequences;
  for (const nlohmann::json& list : value) {
    if (!list.is_array()) refuse();
    TokenIds& ids = sequences.emplace_back();
    for (const nlohmann::json& id : list) {
      if (!id.is_number_unsigned() || id.get<std::uint64_t>() > std::numeric_limits<TokenId>::max()) refuse();
      ids.push_back(id.get<TokenId>());
    }
  }
  return sequences;
}

void check(const PassRequest& request, bool has_ids, const CallerProgress& progress) {
  if (has_ids && !request.texts.empty()) throw UsageError("request", "the fields 'texts' and 'ids' exclude each other");
  if (has_ids && (request.text_options.added != AddedTokens::usual || request.text_options.truncate))
    throw UsageError("request", "the field 'ids' excludes 'bos' and 'truncate'");
  if (request.texts.empty() && request.ids.empty())
    throw UsageError("request", "there is no text", "give 'texts' or 'ids', at least one");
  if (!request.edit_points.empty() && !progress.edits())
    throw UsageError("request", "the field 'edit_points' needs the callback 'edit'");
  if (request.effect && (request.stop_at || request.logits == LogitRows::none))
    throw UsageError("request", "the field 'effect' needs logits");
}

PassRequest read(const char* body, const CallerProgress& progress) {
  PassRequest request;
  Fields fields;
  describe(request, fields);
  nlohmann::json object = parse_json(body, "request", "the request");
  bool has_ids = false;
  if (object.is_object())
    if (const auto ids = object.find("ids"); ids != object.end()) {
      has_ids = !ids->is_null();
      if (has_ids) request.ids = read_ids(*ids);
      object.erase(ids);
    }
  read_json(fields, object);
  check(request, has_ids, progress);
  return request;
}

// Of given ids without their tokens.
std::vector<Text> read_texts(const Session& session, const PassRequest& request) {
  std::vector<Text> texts;
  for (const std::string& text : request.texts) texts.push_back(session.read(text, request.text_options));
  for (const TokenIds& ids : request.ids) texts.emplace_back().ids = ids;
  return texts;
}

// Numbers of the arrays that the pass will give.
double numbers_of(const RunRequest& pass, const ModelConfig& config, std::span<const std::size_t> row_offsets) {
  const auto rows = static_cast<double>(row_offsets.back());
  double numbers = pass.hidden_states ? rows * static_cast<double>((config.n_layers() + 1) * config.d_model) : 0;
  if (pass.logits != LogitRows::none && !pass.stop_at)
    numbers += (pass.logits == LogitRows::all ? rows : static_cast<double>(row_offsets.size() - 1)) *
               static_cast<double>(config.d_vocab);
  std::size_t longest = 0;
  for (const TokenIds& ids : pass.sequences) longest = std::max(longest, ids.size());
  for (const Capture& capture : pass.captures) {
    const auto axes = axes_of(capture.at, config);
    const Shape shape = shape_of(capture.at, config, 1);
    double of_capture = capture.rows ? static_cast<double>(capture.rows->size()) : rows;
    for (std::size_t axis = 0; axis < axes.size(); ++axis) {
      if (axes[axis] == HookAxis::pos) continue;
      std::size_t length = axes[axis] == HookAxis::key ? longest : shape[axis];
      if (axes[axis] == HookAxis::head && capture.heads) length = capture.heads->size();
      of_capture *= static_cast<double>(length);
    }
    numbers += of_capture;
  }
  return numbers;
}

// Refused before the work, not killed in its midst.
void check_memory(double bytes) {
  const auto available = available_memory();
  if (available && bytes > static_cast<double>(*available))
    throw StatusError(STRATOSCOPE_MEMORY, "run",
                      "the arrays need " + memory_text(bytes < 1e18 ? static_cast<std::size_t>(bytes) : SIZE_MAX) +
                          ", but " + memory_text(*available) + " of memory are free",
                      "capture less, or leave out logits and hidden states");
}

Json sequences_json(const Session& session, const std::vector<Text>& texts, bool have_texts) {
  Json all = Json::array();
  for (const Text& text : texts) {
    Json one = Json::object();
    if (have_texts) one["text"] = text.text;
    one["tokens"] = Json::array();
    for (const TokenId id : text.ids) one["tokens"].push_back(session.token_text(id));
    if (have_texts) one["offsets"] = text.offsets;
    if (!text.notes.empty()) one["notes"] = text.notes;
    all.push_back(std::move(one));
  }
  return all;
}

Json arrays_json(const Arrays& arrays) {
  Json all = Json::array();
  for (const auto& header : arrays.headers())
    all.push_back({{"name", header->name()}, {"format", name_of(header->dtype())}, {"shape", header->shape()}});
  return all;
}

// One pass with all that belongs to it.
class Pass {
 public:
  Pass(const Session& session, const PassRequest& request, CallerProgress& progress)
      : session_(session), request_(request), texts_(read_texts(session, request)) {
    for (const Text& text : texts_) pass_.sequences.push_back(text.ids);
    const auto row_offsets = offsets_of(pass_.sequences);
    if (request.stop_at) pass_.stop_at = block_at(*request.stop_at, session.config());
    pass_.hidden_states = request.hidden_states;
    pass_.logits = request.logits;
    const CaptureList captures(request.captures, session.config(), &pass_);
    globs_ = captures.globs();
    pass_.captures = captures.of_texts(row_offsets);
    pass_.progress = session.progress();
    const std::size_t size = session.precision() == Precision::fp64 ? sizeof(double) : sizeof(float);
    check_memory(numbers_of(pass_, session.config(), row_offsets) * static_cast<double>(size));
    add_edits(progress);
  }

  std::unique_ptr<stratoscope_result> run() {
    auto result = std::make_unique<stratoscope_result>();
    result->experiment = "run";
    if (session_.precision() == Precision::fp64)
      run_in<double>(*result, [this](const RunRequest& pass) { return session_.model().run_reference(pass); });
    else
      run_in<float>(*result, [this](const RunRequest& pass) { return session_.model().run(pass); });
    result->json = document(result->arrays).text();
    return result;
  }

 private:
  // Whole hook points alone; the callback chooses the part that it changes.
  std::vector<HookPoint> points_to_edit() const {
    for (const HookExpression& point : request_.edit_points)
      if (point.positions || point.heads || point.keys || point.dims || match_hook(point.hook, session_.config()).heads)
        throw UsageError("request", "the field 'edit_points' takes no part of a hook point: " + point.text,
                         "name the whole point, and choose the part in the callback");
    return CaptureList(request_.edit_points, session_.config(), &pass_).points();
  }

  void add_edits(CallerProgress& progress) {
    EditResolver resolver(session_, request_.edits, request_.text_options);
    const std::vector<HookPoint> points = points_to_edit();
    for (std::size_t s = 0; s < texts_.size(); ++s) {
      for (HookEdit& edit : resolver.resolve(texts_[s].ids, s)) pass_.edits.push_back(std::move(edit));
      for (const HookPoint point : points)
        pass_.edits.push_back({point, s, progress.edit_of(point, s, session_.config())});
    }
  }

  template <class T, class RunModel>
  void run_in(stratoscope_result& result, const RunModel& run_model) {
    Run<T> run = run_model(pass_);
    if (request_.effect) measure_effect(run, run_model);
    // Looking for the place runs the pass again, which a callback need not expect.
    if (!pass_.edits.empty() && request_.edit_points.empty()) nonfinite_ = find_nonfinite(session_.model(), pass_, run);
    TokenIds ids;
    for (const Text& text : texts_) ids.insert(ids.end(), text.ids.begin(), text.ids.end());
    const std::size_t rows = ids.size();
    std::vector<std::int64_t> offsets(run.row_offsets.begin(), run.row_offsets.end());
    result.arrays.take("ids", {rows}, std::move(ids));
    result.arrays.take("row_offsets", {run.row_offsets.size()}, std::move(offsets));
    if (!run.hidden_states.empty()) result.arrays.take("hidden_states", std::move(run.hidden_states));
    if (!run.logits.empty()) result.arrays.take("logits", std::move(run.logits));
    if (!run.residual.empty()) result.arrays.take("residual", std::move(run.residual));
    for (auto& [point, value] : run.captured) result.arrays.take(name_of(point), std::move(value));
  }

  template <class T, class RunModel>
  void measure_effect(const Run<T>& edited, const RunModel& run_model) {
    RunRequest clean_pass;
    clean_pass.sequences = pass_.sequences;
    clean_pass.hidden_states = false;
    clean_pass.logits = pass_.logits;
    clean_pass.progress = pass_.progress;
    const Run<T> clean = run_model(clean_pass);
    effect_.emplace();
    const auto before = clean.logits.matrix(), after = edited.logits.matrix();
    for (std::size_t r = 0; r < before.rows; ++r) effect_->template include<T>(before.row_span(r), after.row_span(r));
  }

  Document document(const Arrays& arrays) {
    std::vector<std::string> warnings = warnings_of(session_);
    if (nonfinite_ || effect_) {
      Effect effect = effect_.value_or(Effect{});
      effect.nonfinite = nonfinite_;
      const std::string warning = effect_warning(effect, session_.config(), request_.edits.expressions, texts_.size());
      if (!warning.empty()) warnings.push_back(warning);
      if (effect_) effect_ = effect;
    }
    Json json = begin_document(session_, effect_);
    add_globs(globs_of(request_.edits.expressions, session_.config()), json);
    add_globs(globs_, json);
    json["sequences"] = sequences_json(session_, texts_, request_.ids.empty());
    json["arrays"] = arrays_json(arrays);
    return with_warnings(finish_document(std::move(json)), warnings);
  }

  const Session& session_;
  const PassRequest& request_;
  std::vector<Text> texts_;
  RunRequest pass_;
  std::vector<GlobMatch> globs_;
  std::optional<Effect> effect_;
  std::optional<NonfinitePlace> nonfinite_;
};

}  // namespace
}  // namespace c
}  // namespace stratoscope

using stratoscope::c::call;
using stratoscope::c::CallerProgress;
using stratoscope::c::check_pointer;
using stratoscope::c::Pass;
using stratoscope::c::PassRequest;
using stratoscope::c::read;

int stratoscope_run(const stratoscope_model* model, const char* request, const stratoscope_callbacks* callbacks,
                    stratoscope_result** result) {
  return call([&] {
    check_pointer(model, "model");
    check_pointer(request, "request");
    check_pointer(result, "result");
    CallerProgress progress(callbacks);
    const stratoscope::CancellationScope scope(&progress);
    const stratoscope::Session session = model->session.with_progress(&progress);
    const PassRequest read_request = read(request, progress);
    *result = Pass(session, read_request, progress).run().release();
  });
}
