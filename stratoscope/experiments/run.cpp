#include "stratoscope/experiments/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/memory.h"
#include "stratoscope/corpus/run_writer.h"
#include "stratoscope/corpus/start_file.h"
#include "stratoscope/corpus/text_lines.h"
#include "stratoscope/corpus/token_spool.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/files/save_arrays.h"
#include "stratoscope/model/pass/forward.h"
#include "stratoscope/probe/captures.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope {
namespace {

// Texts share a forward pass up to about this many rows and bytes of arrays, so that memory stays bounded.
constexpr std::size_t kRowsPerPass = 2048, kBytesPerPass = std::size_t{64} << 20;

SavedBlocks blocks_of(const SaveRunRequest& request, const ModelConfig& config) {
  SavedBlocks blocks{0, config.n_layers(), request.start_at.has_value(), request.stop_at.has_value()};
  if (blocks.starts) blocks.first = block_at(*request.start_at, config);
  if (blocks.stops) blocks.last = block_at(*request.stop_at, config);
  if (blocks.starts && blocks.stops && blocks.first >= blocks.last)
    throw Error("run", fmt::format("no block runs between starting at block {} and stopping at block {}", blocks.first,
                                   blocks.last));
  return blocks;
}

// Converts texts, one at a time, to token ids, and counts the sizes of the results.
class Counter {
 public:
  Counter(const Session& session, const SaveRunRequest& request, const CaptureList& captures, EditResolver& edits,
          TokenSpool& spool)
      : session_(session), request_(request), captures_(captures), edits_(edits), spool_(spool) {
    const auto added = session.added_tokens(request.text_options.added);
    added_ = added.first.size() + added.second.size();
    const std::size_t nothing_chosen[] = {0};
    sizes_.captures = captures.of_texts(nothing_chosen);
    sizes_.captured_rows.resize(sizes_.captures.size(), 0);
  }

  // `place` names the text in errors; empty for a single text.
  void read(const TextInput& text, const std::string& place) {
    if (!place.empty() && text.empty() && added_ == 0) return add_empty();
    in(place, [&] {
      const Text read = session_.read(text, request_.text_options);
      // For many texts, the notes count the texts.
      const std::size_t of_all = (read.before > 0 ? 1 : 0) + (read.after > 0 ? 1 : 0);
      notes_ = read.notes;
      if (!place.empty()) notes_.resize(of_all);
      if (!place.empty() && read.notes.size() > of_all) ++(request_.text_options.truncate ? cut_ : long_);
      add(read.ids);
    });
  }
  void take(const TokenIds& ids, const std::string& place) {
    if (ids.empty()) return add_empty();
    in(place, [&] { add(ids); });
  }

  void note(std::string text) { more_notes_.push_back(std::move(text)); }

  const RunSizes& sizes() const { return sizes_; }
  std::vector<std::string> notes() const {
    std::vector<std::string> notes = notes_;
    if (empty_ > 0 && request_.skip_empty)
      notes.push_back(fmt::format("{} empty text{} left out", empty_, empty_ == 1 ? " was" : "s were"));
    else if (empty_ > 0)
      notes.push_back(
          fmt::format("{} of {} texts {} empty, without rows", empty_, sizes_.texts, empty_ == 1 ? "is" : "are"));
    if (cut_ > 0)
      notes.push_back(fmt::format("{} of {} texts were cut to {} tokens, the model's context", cut_, sizes_.texts,
                                  session_.config().n_ctx));
    if (long_ > 0)
      notes.push_back(fmt::format("{} of {} texts have more than the {} tokens that the model was made for", long_,
                                  sizes_.texts, session_.config().n_ctx));
    notes.insert(notes.end(), more_notes_.begin(), more_notes_.end());
    return notes;
  }

 private:
  void add(const TokenIds& ids) {
    const std::size_t offsets[] = {0, ids.size()};
    const auto captures = captures_.of_texts(offsets);
    edits_.check(ids);
    for (std::size_t i = 0; i < captures.size(); ++i)
      sizes_.captured_rows[i] += captures[i].rows ? captures[i].rows->size() : ids.size();
    sizes_.rows += ids.size();
    sizes_.longest = std::max(sizes_.longest, ids.size());
    ++sizes_.texts;
    spool_.append(ids);
  }

  void add_empty() {
    ++empty_;
    if (request_.skip_empty) return;
    ++sizes_.texts;
    spool_.append({});
  }

  template <class Work>
  static void in(const std::string& place, const Work& work) {
    try {
      work();
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      if (place.empty()) throw;
      Error there(error.where(), place + ": " + error.problem(), error.hint());
      there.set_details(error.details());
      throw std::move(there);
    }
  }

  const Session& session_;
  const SaveRunRequest& request_;
  const CaptureList& captures_;
  EditResolver& edits_;
  TokenSpool& spool_;
  RunSizes sizes_;
  std::vector<std::string> notes_, more_notes_;  // of the newest text; of all texts
  std::size_t cut_ = 0, long_ = 0, empty_ = 0;   // numbers of texts
  std::size_t added_ = 0;                        // tokens that are added to every text
};

// Writes pass after pass into the file.
template <class T, class RunModel>
class Recorder {
 public:
  Recorder(const Session& session, const CaptureList& captures, const SavedBlocks& blocks, const StartFile* start,
           EditResolver& edits, const RunModel& run_model)
      : session_(session),
        captures_(captures),
        blocks_(blocks),
        start_(start),
        edits_(edits),
        run_model_(run_model),
        quiet_(session.progress()) {}

  std::optional<Effect> record(TokenSpool& spool, const RunSizes& sizes, RunWriter<T>& out) {
    const std::size_t row_bytes =
        bytes_of_row(sizes, blocks_, session_.config(), std::is_same_v<T, float> ? DType::f32 : DType::f64);
    require_memory(static_cast<double>(row_bytes) * static_cast<double>(sizes.longest), sizes.longest);
    const std::size_t most = std::clamp<std::size_t>(kBytesPerPass / row_bytes, 1, kRowsPerPass);
    Progress* progress = session_.progress();
    std::vector<TokenIds> texts;
    std::size_t rows = 0;
    TokenIds next;
    for (bool more = spool.next(next); more;) {
      texts.push_back(next);
      rows += next.size();
      more = spool.next(next);
      if (more && rows + next.size() <= most && texts.size() < kRowsPerPass) continue;
      if (progress != nullptr && sizes.texts > 1) progress->update("tokens", done_, sizes.rows);
      if (rows > 0) out.write_values(run(texts, rows, sizes.texts > 1));
      out.write_texts(texts);
      done_ += rows;
      done_texts_ += texts.size();
      texts.clear();
      rows = 0;
    }
    return effect_;
  }

 private:
  Run<T> run(const std::vector<TokenIds>& texts, std::size_t rows, bool is_one_of_many) {
    RunRequest pass;
    places_.clear();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (texts[i].empty()) continue;
      pass.sequences.push_back(texts[i]);
      places_.push_back(done_texts_ + i);
    }
    pass.progress = is_one_of_many ? &quiet_ : session_.progress();
    pass.captures = captures_.of_texts(offsets_of(pass.sequences));
    if (start_ != nullptr) pass.start = start_->rows(done_, rows);
    if (blocks_.stops) pass.stop_at = blocks_.last;
    std::size_t row = 0;
    for (std::size_t s = 0; s < pass.sequences.size(); row += pass.sequences[s++].size())
      for (HookEdit& edit : edits_.resolve(pass.sequences[s], s, part_of(pass.start, row, pass.sequences[s].size())))
        pass.edits.push_back(std::move(edit));
    Run<T> run = run_model_(pass);
    if (!pass.edits.empty()) include_effect(pass, run);
    return run;
  }

  static std::shared_ptr<const Start> part_of(const std::shared_ptr<const Start>& start, std::size_t first,
                                              std::size_t count) {
    if (!start) return nullptr;
    return start_from(start->block, start->residual.matrix().rows_from(first, count));
  }

  // Measures the effect at the logits; a run that stops before them is continued for this.
  void include_effect(RunRequest pass, const Run<T>& edited) {
    if (!effect_) effect_.emplace();
    if (!effect_->nonfinite) {
      effect_->nonfinite = find_nonfinite(session_.model(), pass, edited);
      if (effect_->nonfinite) effect_->nonfinite->sequence = places_[effect_->nonfinite->sequence];
    }
    RunRequest clean_pass;
    clean_pass.sequences = pass.sequences;
    clean_pass.progress = pass.progress;
    clean_pass.hidden_states = false;
    clean_pass.start = pass.start;
    const Run<T> clean = run_model_(clean_pass);
    BasicTensor<T> carried;
    if (pass.stop_at) {
      clean_pass.start = start_from(*pass.stop_at, edited.residual.matrix());
      carried = run_model_(clean_pass).logits;
    }
    const BasicTensor<T>& after = pass.stop_at ? carried : edited.logits;
    for (std::size_t r = 0; r < clean.rows(); ++r)
      effect_->template include<T>(clean.logits.matrix().row_span(r), after.matrix().row_span(r));
  }

  const Session& session_;
  const CaptureList& captures_;
  const SavedBlocks& blocks_;
  const StartFile* start_;
  EditResolver& edits_;
  const RunModel& run_model_;
  QuietProgress quiet_;
  std::size_t done_ = 0, done_texts_ = 0;
  std::vector<std::size_t> places_;  // the indices of the pass's sequences among all texts
  std::optional<Effect> effect_;
};

void count_texts(const Session& session, const SaveRunRequest& request, const StartFile* start, Counter& counter) {
  if (start != nullptr) {
    for (std::size_t i = 0; i < start->texts(); ++i)
      counter.take(start->ids(i), start->has_offsets() ? fmt::format("text {}", i + 1) : "");
  } else if (request.texts_file) {
    TextLines lines(*request.texts_file, session.progress(), {true, request.replace_invalid});
    while (const auto text = lines.next()) counter.read(*text, lines.place());
    if (counter.sizes().rows == 0)
      throw Error("texts",
                  (*request.texts_file == "-" ? "standard input" : request.texts_file->string()) + ": holds no text");
    if (lines.replaced() > 0)
      counter.note(fmt::format("invalid characters, read as U+FFFD: {}, in {} line(s)", lines.replaced(),
                               lines.repaired_lines()));
  } else if (!request.ids.empty()) {
    counter.read(request.ids, "");
  } else {
    for (std::size_t i = 0; i < request.texts.size(); ++i)
      counter.read(request.texts[i], request.packed ? fmt::format("text {}", i + 1) : "");
    if (request.texts.empty()) throw Error("text", "the list of texts is empty");
    if (counter.sizes().rows == 0) throw Error("text", "the texts are all empty");
  }
}

void check_sources(const SaveRunRequest& request) {
  if (request.start_at.has_value() != request.from.has_value())
    throw Error("run", "a block to start at and a file to start from belong together", "give --start-at and --from");
  if (request.from && (request.texts_file || !request.texts.empty() || !request.ids.empty()))
    throw Error("run", "the file to start from holds its own tokens", "give no text together with --from");
}

}  // namespace

std::size_t block_at(Index index, const ModelConfig& config) {
  const std::size_t count = config.n_layers();
  return index == static_cast<long>(count) ? count : index.in(count, "block");
}

void describe(SaveRunRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  fields.add("save", FieldTarget(OutputFile{&request.file}), "the file: .safetensors or .npz").value("FILE").required();
  fields.add("captures", request.captures, "also save a hook point; globs such as blocks.*.attn.hook_pattern")
      .as_option("capture")
      .value("HOOK …")
      .several(looks_like_a_hook_point);
  fields
      .add("texts", FieldTarget(InputFile{&request.texts_file}),
           "many texts, of any size: JSON lines with a field \"text\"; - for standard input")
      .value("FILE.jsonl");
  fields.add("skip_empty", request.skip_empty, "with --texts: leave out empty texts, which otherwise have no rows")
      .with("texts");
  fields
      .add("replace_invalid", request.replace_invalid,
           "with --texts: read invalid characters (bytes that are not UTF-8, half a surrogate pair) as U+FFFD")
      .with("texts");
  fields
      .add("stop_at", request.stop_at,
           "run only the blocks before this one, and keep its input; the number of blocks runs all")
      .value("BLOCK");
  fields.add("start_at", request.start_at, "run this block and those after it").value("BLOCK").with("from");
  fields
      .add("from", FieldTarget(InputFile{&request.from}),
           "the file of an earlier `run --save` that the tokens and the hidden states come from")
      .value("FILE")
      .with("start_at");
  add_ids(fields, request.ids);
  fields.add("text", request.texts, kTheText).argument().required_unless({"texts", "from", "ids"});
}

void check(const SaveRunRequest& request) {
  const bool has_options = request.text_options.added != AddedTokens::usual || request.text_options.truncate;
  if (request.texts_file && !request.texts.empty()) throw UsageError("run", "--texts excludes TEXT");
  if (!request.ids.empty() && (request.texts_file || !request.texts.empty()))
    throw UsageError("run", "--ids excludes TEXT and --texts");
  if (request.from && !request.texts.empty()) throw UsageError("run", "--from excludes TEXT");
  if (request.from && has_options) throw UsageError("run", "--from excludes --bos, --no-bos and --truncate");
}

SavedRun run(const Session& session, const SaveRunRequest& request) {
  check_sources(request);
  if (!request.file) throw Error("run", "there is no file to save in", "name one with --save");
  check_array_ending(*request.file);
  const SavedBlocks blocks = blocks_of(request, session.config());
  { const AtomicFile can_be_written(*request.file); }  // before the long work
  std::optional<StartFile> start;
  RunRequest part;
  if (blocks.starts) {
    start.emplace(*request.from, blocks.first, session);
    part.start = std::make_shared<const Start>(Start{blocks.first, {}});
  }
  if (blocks.stops) part.stop_at = blocks.last;
  const CaptureList captures(request.captures, session.config(), &part);
  EditResolver edits(session, request.edits, request.text_options);
  TokenSpool spool(request.file->parent_path());
  Counter counter(session, request, captures, edits, spool);
  count_texts(session, request, start ? &*start : nullptr, counter);
  spool.rewind();

  SavedRun saved;
  saved.file = *request.file;
  saved.capture_globs = captures.globs();
  saved.texts = counter.sizes().texts;
  saved.tokens = counter.sizes().rows;
  saved.notes = counter.notes();
  if (start) saved.notes.insert(saved.notes.end(), start->notes().begin(), start->notes().end());
  const Model& model = session.model();
  const auto record = [&]<class T>(T, const auto& run_model) {
    const bool with_offsets = request.packed || request.texts_file || (start && start->has_offsets());
    RunWriter<T> out(*request.file, session, counter.sizes(), blocks, with_offsets);
    Recorder<T, std::decay_t<decltype(run_model)>> recorder(session, captures, blocks, start ? &*start : nullptr, edits,
                                                            run_model);
    saved.effect = recorder.record(spool, counter.sizes(), out);
    if (saved.effect) saved.effect->globs = globs_of(edits.expressions(), session.config());
    for (const PlannedArray& array : out.arrays()) saved.keys.emplace_back(array.name, array.shape);
    if (start) start->check_unchanged();
    out.commit(session.progress());
  };
  if (session.precision() == Precision::fp64)
    record(double{}, [&](const RunRequest& r) { return model.run_reference(r); });
  else
    record(float{}, [&](const RunRequest& r) { return model.run(r); });
  return saved;
}

Document to_json(const Session& session, const SavedRun& saved) {
  Json json = begin_document(session, saved.effect);
  if (!saved.notes.empty()) json["notes"] = saved.notes;
  json["file"] = saved.file.string();
  json["texts"] = saved.texts;
  json["tokens"] = saved.tokens;
  add_globs(saved.capture_globs, json);
  json["keys"] = Json::object();
  for (const auto& [name, shape] : saved.keys) json["keys"][name] = shape;
  return finish_document(json);
}

}  // namespace stratoscope
