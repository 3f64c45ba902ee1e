#include "stratoscope/experiments/generate.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/corpus/run_arrays.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/figures/text_panel.h"
#include "stratoscope/files/save_arrays.h"
#include "stratoscope/probe/captures.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/probe/generate.h"
#include "stratoscope/session/continued_text.h"
#include "stratoscope/session/growing_text.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope {
namespace {

CaptureList captures_of_all_rows(const GenerateTextRequest& request, const ModelConfig& config) {
  if (!request.captures.empty() && !request.file)
    throw Error("generate", "captures need a file, and none is named", "add --save FILE");
  for (const HookExpression& capture : request.captures)
    if (capture.positions)
      throw Error("generate", "captures of generated texts take no positions: " + capture.text,
                  "they contain all positions");
  return {request.captures, config};
}

GenerateRequest request_of(const Session& session, const GenerateTextRequest& request, const Text& prompt) {
  GenerateRequest wanted;
  wanted.tokenizer = &session.tokenizer();
  wanted.prompt = prompt.ids;
  wanted.edits = request.edits.expressions;
  check_corrupt_is_read(wanted.edits, request.edits.corrupt_text.has_value());
  if (request.edits.corrupt_text)
    wanted.corrupt = read_to_continue(session, *request.edits.corrupt_text, request.text_options, request.max_new).ids;
  wanted.scope = request.edit_scope;
  const std::size_t nothing_chosen[] = {0, 0};
  wanted.captures = captures_of_all_rows(request, session.config()).of_texts(nothing_chosen);
  wanted.keep = request.file.has_value();
  wanted.max_new = request.max_new;
  wanted.sampling = request.sampling;
  wanted.progress = session.progress();
  return wanted;
}

template <class T>
void generate_in(const Session& session, const GenerateTextRequest& request, GenerateRequest wanted,
                 GeneratedText& result) {
  GrowingText text(request.stops);
  const auto tell = [&](const std::string& piece) {
    if (request.on_text && !piece.empty()) request.on_text(piece);
  };
  const std::vector<TokenId>& ends = session.end_tokens();
  result.stopped = "length";
  wanted.on_token = [&](TokenId id, double log_prob) {
    result.tokens.push_back({id, session.token_text(id), log_prob});
    if (request.on_token) request.on_token(result.tokens.back());
    if (!request.ignore_end && std::find(ends.begin(), ends.end(), id) != ends.end()) {
      result.stopped = "end";
      return false;
    }
    tell(text.add(session.token_bytes(id)));
    if (text.stopped()) result.stopped = "stop";
    return !text.stopped();
  };
  const Generation<T> generation = generate<T>(session.model(), wanted);
  tell(text.rest());
  result.text = text.shown();
  if (generation.full) {
    result.stopped = generation.full->turns ? "rotary" : "context";
    result.why_full = describe(*generation.full);
  }
  result.effect = generation.effect;
  if (result.effect) result.effect->globs = globs_of(wanted.edits, session.config());
  if (!request.file) return;
  std::vector<std::int64_t> ids(result.prompt.ids.begin(), result.prompt.ids.end());
  for (const NewToken& token : generation.tokens) ids.push_back(token.id);
  const auto arrays = arrays_of(ids, generation.run);
  for (const ArrayView& array : arrays) result.keys.emplace_back(array.name, array.shape);
  save_arrays(*request.file, arrays, metadata_of(session));
  result.file = request.file;
}

Json token_json(const GeneratedToken& token) {
  return {{"id", token.id}, {"token", token.token}, {"log_prob", token.log_prob}};
}

GeneratedText generate_one(const Session& session, const GenerateTextRequest& request) {
  if (request.file) check_array_ending(*request.file);
  GeneratedText result;
  result.capture_globs = captures_of_all_rows(request, session.config()).globs();
  result.prompt = read_to_continue(session, request.text, request.text_options, request.max_new);
  const GenerateRequest wanted = request_of(session, request, result.prompt);
  if (session.precision() == Precision::fp64)
    generate_in<double>(session, request, wanted, result);
  else
    generate_in<float>(session, request, wanted, result);
  return result;
}

GeneratedSample sample_of(const GeneratedText& one, std::uint64_t seed) {
  return {seed, one.text, one.stopped, one.tokens, one.tokens.size()};
}

std::size_t shared_tokens(const std::vector<GeneratedToken>& first, const std::vector<GeneratedToken>& other) {
  std::size_t shared = 0;
  while (shared < std::min(first.size(), other.size()) && first[shared].id == other[shared].id) ++shared;
  return shared;
}

Json tokens_json(const std::vector<GeneratedToken>& tokens) {
  Json list = Json::array();
  for (const GeneratedToken& token : tokens) list.push_back(token_json(token));
  return list;
}

}  // namespace

double GeneratedSample::log_prob() const {
  double sum = 0;
  for (const GeneratedToken& token : tokens) sum += token.log_prob;
  return sum;
}

void describe(GenerateTextRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options, kCutAtTheBeginning);
  fields.add("max_new", request.max_new, "the largest number of new tokens")
      .value("N")
      .at_least(1)
      .serve_at_most(kMostServedNew);
  add_sampling(fields, request.sampling);
  fields.add("stops", request.stops, "end before this text (may be given several times)")
      .as_option("stop")
      .value("TEXT");
  fields
      .add("samples", request.samples,
           "continuations, with the seeds from --seed on; each has the bits of a single one with its seed")
      .value("N")
      .at_least(1)
      .serve_at_most(kMostServedSamples);
  fields.add("ignore_end", request.ignore_end, "continue after the end-of-text token");
  fields.add("edit_scope", request.edit_scope,
             "new: edits act on new tokens only, and the prompt's keys and values are not edited; all: as if "
             "the whole text so far were run with the edits at each step");
  fields
      .add("save", FieldTarget(OutputFile{&request.file}),
           "keep the values of every position: FILE.safetensors or FILE.npz")
      .value("FILE")
      .local()
      .only_shown();
  fields.add("captures", request.captures, "with --save: a hook point to keep too, as in `run` (several times)")
      .as_option("capture")
      .value("HOOK")
      .local()
      .only_shown();
  add_text(fields, request.text, "the text to continue; - for standard input");
}

void stream(GenerateTextRequest& request, const EmitEvent& emit) {
  request.on_token = [emit](const GeneratedToken& token) { emit("token", finish_document(token_json(token))); };
  request.on_text = [emit](std::string_view piece) { emit("text", finish_document({{"text", piece}})); };
}

void check(const GenerateTextRequest& request) {
  if (request.samples == 0) throw UsageError("generate", "0 samples are nothing", "give 1 or more");
  if (request.samples == 1) return;
  if (request.sampling.temperature == 0)
    throw UsageError("generate", "samples are all equal at temperature 0, which takes the likeliest token each time",
                     "set temperature to 1");
  if (request.file) throw UsageError("generate", "a file keeps the values of one sample", "leave out samples, or save");
}

GeneratedText generate(const Session& session, const GenerateTextRequest& request) {
  check(request);
  GeneratedText result = generate_one(session, request);
  if (request.samples == 1) return result;
  result.samples.push_back(sample_of(result, request.sampling.seed));
  GenerateTextRequest next = request;
  next.samples = 1, next.on_text = {}, next.on_token = {};
  while (result.samples.size() < request.samples) {
    ++next.sampling.seed;
    const GeneratedText another = generate_one(session, next);
    result.samples.push_back(sample_of(another, next.sampling.seed));
    result.samples.back().shared = shared_tokens(result.tokens, another.tokens);
    if (result.effect && another.effect) result.effect->include(*another.effect);
  }
  return result;
}

Document to_json(const Session& session, const GeneratedText& result) {
  Json json = begin_document(session, result.effect, &result.prompt);
  json["prompt"] = result.prompt.text;
  json["text"] = result.text;
  json["stopped"] = result.stopped;
  json["tokens"] = tokens_json(result.tokens);
  if (!result.samples.empty()) {
    json["samples"] = Json::array();
    for (const GeneratedSample& sample : result.samples)
      json["samples"].push_back({{"seed", sample.seed},
                                 {"text", sample.text},
                                 {"stopped", sample.stopped},
                                 {"log_prob", sample.log_prob()},
                                 {"shared", sample.shared},
                                 {"tokens", tokens_json(sample.tokens)}});
  }
  if (result.file) {
    json["file"] = result.file->string();
    add_globs(result.capture_globs, json);
    json["keys"] = Json::object();
    for (const auto& [name, shape] : result.keys) json["keys"][name] = shape;
  }
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const GeneratedText& result) {
  std::vector<std::int32_t> ids;
  std::vector<double> log_probs;
  for (const GeneratedToken& token : result.tokens) {
    ids.push_back(token.id);
    log_probs.push_back(token.log_prob);
  }
  std::vector<NamedValues> arrays = {named_values("ids", {result.tokens.size()}, std::move(ids)),
                                     named_values("log_probs", log_probs)};
  if (result.samples.empty()) return arrays;
  std::size_t longest = 0;
  for (const GeneratedSample& sample : result.samples) longest = std::max(longest, sample.tokens.size());
  std::vector<std::int32_t> sample_ids;
  std::vector<std::vector<double>> sample_log_probs;
  for (const GeneratedSample& sample : result.samples) {
    auto& row = sample_log_probs.emplace_back();
    for (const GeneratedToken& token : sample.tokens) sample_ids.push_back(token.id), row.push_back(token.log_prob);
    sample_ids.resize(sample_log_probs.size() * longest, -1);
  }
  arrays.push_back(named_values("sample_ids", {result.samples.size(), longest}, std::move(sample_ids)));
  arrays.push_back(named_values("sample_log_probs", sample_log_probs, std::numeric_limits<double>::quiet_NaN()));
  return arrays;
}

Figure figure_of(const GeneratedText& result) {
  const auto panel_of = [&](const std::string& title, const std::vector<GeneratedToken>& tokens) {
    std::vector<std::string> texts = result.prompt.tokens;
    std::vector<double> nats(texts.size(), std::numeric_limits<double>::quiet_NaN());
    for (const GeneratedToken& token : tokens) texts.push_back(token.token), nats.push_back(-token.log_prob);
    return text_panel(title, texts, std::move(nats), "surprisal (nats)");
  };
  Figure figure;
  figure.title = "A text continued";
  figure.caption =
      "New tokens are coloured by their surprisal, minus the log-probability, under the model's own distribution.";
  if (result.samples.empty()) figure.panels.push_back(panel_of("", result.tokens));
  double highest = 0;
  for (const GeneratedSample& sample : result.samples) {
    figure.panels.push_back(panel_of("seed " + std::to_string(sample.seed), sample.tokens));
    for (const GeneratedToken& token : sample.tokens) highest = std::max(highest, -token.log_prob);
  }
  // One scale for all samples, drawn once.
  for (std::size_t p = 0; p < result.samples.size(); ++p) {
    ColorScale& scale = std::get<ColoredText>(figure.panels[p].marks[0]).scale;
    if (highest > 0) scale.high = highest;
    scale.show_bar = p == 0;
  }
  return figure;
}

}  // namespace stratoscope
