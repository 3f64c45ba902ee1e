#include "stratoscope/experiments/generate.h"

#include <algorithm>

#include "stratoscope/base/error.h"
#include "stratoscope/corpus/run_arrays.h"
#include "stratoscope/experiments/common_fields.h"
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

}  // namespace

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

GeneratedText generate(const Session& session, const GenerateTextRequest& request) {
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

Document to_json(const Session& session, const GeneratedText& result) {
  Json json = begin_document(session, result.effect, &result.prompt);
  json["prompt"] = result.prompt.text;
  json["text"] = result.text;
  json["stopped"] = result.stopped;
  json["tokens"] = Json::array();
  for (const GeneratedToken& token : result.tokens) json["tokens"].push_back(token_json(token));
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
  return {named_values("ids", {result.tokens.size()}, std::move(ids)), named_values("log_probs", log_probs)};
}

}  // namespace stratoscope
