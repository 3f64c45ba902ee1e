#include "stratoscope/experiments/score.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/corpus/journal.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/experiments/score_windows.h"
#include "stratoscope/files/file_hash.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope {
namespace {

constexpr std::size_t kSumsOfToken = 3;  // nats, other_nats and kl of a journal's entry

// A text's tokens without those that the tokenizer adds after it.
struct ReadText {
  TokenIds ids;
  std::vector<std::pair<std::size_t, std::size_t>> offsets;
};

ReadText read_to_score(const Session& session, const std::string& text, const ScoreRequest& request) {
  TextOptions options = request.text_options;
  options.check_context = false;
  Text read = session.read(text, options);
  read.ids.resize(read.ids.size() - read.after);
  read.offsets.resize(read.ids.size());
  return {std::move(read.ids), std::move(read.offsets)};
}

// Throws Error if a token means something else in the other model.
void check_same_tokens(const Session& session, const Session& other) {
  const auto refuse = [&](const std::string& problem) {
    throw Error("score", other.model_name() + " has other tokens than " + session.model_name() + ": " + problem,
                "compare models with the same tokenizer");
  };
  const std::size_t count = session.config().d_vocab;
  if (other.config().d_vocab != count)
    refuse(std::to_string(other.config().d_vocab) + " of them, not " + std::to_string(count));
  for (std::size_t id = 0; id < count; ++id)
    if (session.token_bytes(static_cast<TokenId>(id)) != other.token_bytes(static_cast<TokenId>(id)))
      refuse("token " + std::to_string(id) + " is " + in_quotes(other.token_text(static_cast<TokenId>(id))) + ", not " +
             in_quotes(session.token_text(static_cast<TokenId>(id))));
}

void check_same_ids(const Session& other, const std::string& text, const ScoreRequest& request, const TokenIds& ids) {
  if (read_to_score(other, text, request).ids != ids)
    throw Error("score", other.model_name() + " splits a text into other tokens",
                "compare models with the same tokenizer");
}

// All jobs with their places, the results that a journal has, and the new ones.
class ScoreWork {
 public:
  ScoreWork(const Session& session, const ScoreRequest& request, const Session* other)
      : session_(session), request_(request), scorer_(session, request.edits, request.text_options, other) {}

  // `i` and `j` name the job in a journal.
  void add(std::size_t i, std::size_t j, ScoreJob job) {
    places_.emplace_back(i, j);
    jobs_.push_back(std::move(job));
  }

  // In the order of the jobs.
  std::vector<JobScores> run(const Session* other) {
    if (request_.resume)
      journal_.emplace(*request_.resume, JournalKind{"score", "a window's scores", 0}, description(other),
                       Journal::Use::write);
    std::vector<JobScores> done(jobs_.size());
    std::vector<std::size_t> open;
    for (std::size_t k = 0; k < jobs_.size(); ++k)
      if (!take_known(k, done[k])) open.push_back(k);
    try {
      run_open(open, done);
    } catch (const Interrupted&) {
      if (!journal_) throw;
      throw Interrupted("finished windows are kept: the same command resumes");
    }
    session_.checkpoint().check_unchanged();
    return done;
  }

 private:
  static constexpr std::size_t kMostJobs = 2048;

  void run_open(const std::vector<std::size_t>& open, std::vector<JobScores>& done) {
    for (std::size_t next = 0; next < open.size();) {
      if (session_.progress() != nullptr)
        session_.progress()->update("windows", jobs_.size() - open.size() + next, jobs_.size());
      std::vector<ScoreJob> batch;
      for (std::size_t k = next; k < open.size() && batch.size() < kMostJobs; ++k) batch.push_back(jobs_[open[k]]);
      for (JobScores& scores : scorer_.score(batch)) {
        keep(open[next], scores);
        done[open[next++]] = std::move(scores);
      }
    }
  }

  bool take_known(std::size_t k, JobScores& scores) const {
    const std::vector<double>* const numbers =
        journal_ ? journal_->known(places_[k].first, places_[k].second) : nullptr;
    const std::size_t count = jobs_[k].ids.size() - jobs_[k].scored;
    if (numbers == nullptr || numbers->size() != kSumsOfToken * count + 1) return false;
    for (std::size_t i = 0; i < count; ++i)
      scores.tokens.push_back({(*numbers)[kSumsOfToken * i], (*numbers)[kSumsOfToken * i + 1],
                               (*numbers)[kSumsOfToken * i + 2], jobs_[k].scored + i});
    scores.max_change = numbers->back();
    return true;
  }

  void keep(std::size_t k, const JobScores& scores) {
    if (!journal_) return;
    std::vector<double> numbers;
    for (const TokenScore& token : scores.tokens)
      numbers.insert(numbers.end(), {token.nats, token.other_nats, token.kl});
    numbers.push_back(scores.max_change);
    journal_->add(places_[k].first, places_[k].second, numbers);
  }

  // Everything that determines the results, as one line.
  std::string description(const Session* other) const {
    const Json document = begin_document(session_);
    Json edits = Json::array(), files = Json::object();
    for (const EditExpression& edit : request_.edits.expressions) {
      edits.push_back(edit.text);
      for (const EditTerm& term : edit.terms)
        if (!term.vector_file.empty()) files[term.vector_file] = file_hash(term.vector_file);
    }
    std::string tokens;
    for (const ScoreJob& job : jobs_)
      tokens += std::to_string(job.scored) + ":" +
                text_hash({reinterpret_cast<const char*>(job.ids.data()), job.ids.size() * sizeof(TokenId)}) + " ";
    Json json = {{"score", 1},
                 {"model", document["model"]["hash"]},
                 {"version", document["version"]},
                 {"precision", document["precision"]},
                 {"isa", document["isa"]},
                 {"edits", std::move(edits)},
                 {"files", std::move(files)},
                 {"corrupt", request_.edits.corrupt_text ? Json(*request_.edits.corrupt_text) : Json()},
                 {"against", other != nullptr ? Json(other->model_hash()) : Json()},
                 {"texts", text_hash(tokens)}};
    return json.dump(-1, ' ', true, Json::error_handler_t::replace);
  }

  const Session& session_;
  const ScoreRequest& request_;
  JobScorer scorer_;
  std::vector<std::pair<std::size_t, std::size_t>> places_;
  std::vector<ScoreJob> jobs_;
  std::optional<Journal> journal_;
};

void add_tokens(const JobScores& scores, ScoreSum& sum) {
  for (const TokenScore& token : scores.tokens) {
    ++sum.tokens;
    sum.nats += token.nats;
    sum.other_nats += token.other_nats;
    sum.kl += token.kl;
  }
}

std::size_t bytes_of(const ReadText& text, std::size_t first) {
  std::size_t bytes = 0;
  for (std::size_t i = first; i < text.offsets.size(); ++i) bytes += text.offsets[i].second - text.offsets[i].first;
  return bytes;
}

// A choice follows its text as a word follows another, unless one of them has the space.
std::string joined_choice(const std::string& text, const std::string& choice) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\t'; };
  const bool needs_space = !text.empty() && !is_space(text.back()) && !is_space(choice.front());
  return text + (needs_space ? " " : "") + choice;
}

class Scorer {
 public:
  Scorer(const Session& session, const ScoreRequest& request, const Session* other, Scores& scores)
      : session_(session), request_(request), other_(other), scores_(scores), work_(session, request, other) {}

  void score_texts() {
    choose_windows();
    const std::vector<std::string> texts =
        request_.texts.empty() ? std::vector<std::string>{request_.text} : request_.texts;
    std::vector<std::size_t> of_text;
    std::size_t without = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const ReadText read = numbered("text", i, texts[i]);
      const auto windows = token_windows(read.ids.size(), scores_.context, scores_.stride);
      for (std::size_t j = 0; j < windows.size(); ++j) {
        work_.add(i, j, job_of(read.ids, windows[j]));
        of_text.push_back(i);
      }
      scores_.texts.emplace_back().sum.bytes = bytes_of(read, 1);
      if (windows.empty()) ++without;
    }
    const std::vector<JobScores> done = work_.run(other_);
    for (std::size_t k = 0; k < done.size(); ++k) {
      ScoredText& text = scores_.texts[of_text[k]];
      add_tokens(done[k], text.sum);
      text.tokens.insert(text.tokens.end(), done[k].tokens.begin(), done[k].tokens.end());
    }
    for (const ScoredText& text : scores_.texts) scores_.total.add(text.sum);
    note_effect(done);
    if (without > 0)
      scores_.warnings.push_back(
          std::to_string(without) + " of " + std::to_string(texts.size()) +
          " texts have fewer than two tokens, so that no token is scored; --bos scores the first");
  }

  void score_choices() {
    std::vector<ScoredChoice*> of_job;
    for (const ChoiceItem& item : request_.choices) {
      scores_.items.emplace_back().label = item.label;
      scores_.items.back().choices.resize(item.choices.size());
    }
    for (std::size_t i = 0; i < request_.choices.size(); ++i)
      for (std::size_t j = 0; j < request_.choices[i].choices.size(); ++j) {
        const std::string& text = request_.choices[i].text;
        const std::string& choice = request_.choices[i].choices[j];
        const ReadText read = numbered("item", i, joined_choice(text, choice));
        check_length(i, read.ids.size());
        // The tokens that reach beyond the text.
        std::size_t first = 0;
        while (first < read.ids.size() && read.offsets[first].second <= text.size()) ++first;
        if (first == 0)
          throw Error("score", "item " + std::to_string(i) + " has a choice whose first token nothing predicts",
                      "give a text before the choices, or --bos");
        ScoredChoice& scored = scores_.items[i].choices[j];
        scored.choice_bytes = choice.size();
        scored.sum.bytes = bytes_of(read, first);
        of_job.push_back(&scored);
        work_.add(i, j, {read.ids, first});
      }
    const std::vector<JobScores> done = work_.run(other_);
    for (std::size_t k = 0; k < done.size(); ++k) add_tokens(done[k], of_job[k]->sum);
    for (const ScoredItem& item : scores_.items)
      for (const ScoredChoice& choice : item.choices) scores_.total.add(choice.sum);
    note_effect(done);
  }

 private:
  ReadText numbered(const char* what, std::size_t i, const std::string& text) const {
    try {
      ReadText read = read_to_score(session_, text, request_);
      if (read.ids.empty()) throw Error("text", "is empty", "give at least one character");
      if (other_ != nullptr) check_same_ids(*other_, text, request_, read.ids);
      return read;
    } catch (const Error& error) {
      if (request_.texts.empty() && request_.choices.empty()) throw;
      throw Error(error.where(), std::string(what) + " " + std::to_string(i) + ": " + error.problem(), error.hint());
    }
  }

  // The longest text that the models can read.
  std::size_t longest() const {
    std::size_t most = session_.config().longest_text().value_or(std::numeric_limits<std::size_t>::max());
    if (other_ != nullptr) most = std::min(most, other_->config().longest_text().value_or(most));
    return most;
  }

  void check_length(std::size_t item, std::size_t tokens) const {
    if (tokens > longest())
      throw Error("score",
                  "item " + std::to_string(item) + " has " + std::to_string(tokens) +
                      " tokens, more than the model's context of " + std::to_string(longest()),
                  "shorten its text");
  }

  void choose_windows() {
    std::size_t trained = session_.config().n_ctx;
    if (other_ != nullptr) trained = std::min(trained, other_->config().n_ctx);
    scores_.context = request_.context > 0 ? request_.context : std::min(trained, longest());
    scores_.stride = request_.stride > 0 ? request_.stride : std::max<std::size_t>(1, scores_.context / 2);
    if (scores_.context < 2 || scores_.context > longest())
      throw Error("score", "a window of " + std::to_string(scores_.context) + " tokens is not possible",
                  "--context is 2 to " + std::to_string(longest()));
    if (scores_.stride >= scores_.context)
      throw Error("score",
                  "a stride of " + std::to_string(scores_.stride) + " leaves tokens of windows of " +
                      std::to_string(scores_.context) + " without one before them",
                  "--stride is 1 to " + std::to_string(scores_.context - 1));
  }

  static ScoreJob job_of(const TokenIds& ids, const TokenWindow& window) {
    return {TokenIds(ids.begin() + static_cast<std::ptrdiff_t>(window.begin),
                     ids.begin() + static_cast<std::ptrdiff_t>(window.end)),
            window.scored - window.begin};
  }

  void note_effect(const std::vector<JobScores>& done) {
    if (request_.edits.expressions.empty()) return;
    Effect& effect = scores_.effect.emplace();
    for (const JobScores& scores : done)
      for (const TokenScore& token : scores.tokens) effect.include(token.kl, scores.max_change);
    effect.globs = globs_of(request_.edits.expressions, session_.config());
  }

  const Session& session_;
  const ScoreRequest& request_;
  const Session* other_;
  Scores& scores_;
  ScoreWork work_;
};

}  // namespace

void describe(ScoreRequest& request, Fields& fields) {
  fields
      .add("texts", FieldTarget(TextsOfFile{&request.texts, PlainText::whole}),
           "instead of TEXT: one JSON object with text per line, or a .txt file, which is one text")
      .value("FILE");
  fields
      .add("choices", FieldTarget(ChoicesOfFile{&request.choices}),
           "instead of TEXT: JSON lines with text (or ctx), choices (or endings), and optionally the label of the "
           "right one")
      .value("FILE.jsonl");
  fields.add("context", request.context, "tokens in a window (default: as many as the model was trained for)")
      .value("N");
  fields
      .add("stride", request.stride,
           "tokens from the beginning of one window to that of the next (default: half a window)")
      .value("N");
  fields
      .add("against", request.against,
           "a second model with the same tokenizer, a name or folder: the differences between the two")
      .value("NAME-OR-FOLDER")
      .local();
  fields
      .add("resume", FieldTarget(OutputFile{&request.resume}),
           "keep finished windows in this file, and continue from those that it has")
      .value("FILE")
      .local()
      .only_shown();
  fields.add("edits", request.edits.expressions, "rewrite a hook point in every window, and compare with the clean run")
      .as_option("edit")
      .value("EXPR");
  add_corrupt(fields, request.edits.corrupt_text);
  add_added_tokens(fields, request.text_options);
  fields.add("text", request.text, kTheText).argument().required_unless({"texts", "choices"});
}

void check(const ScoreRequest& request) {
  const int given =
      (request.text.empty() ? 0 : 1) + (request.texts.empty() ? 0 : 1) + (request.choices.empty() ? 0 : 1);
  if (given > 1)
    throw UsageError("score", "more than one of TEXT, --texts and --choices are given", "leave out the others");
  if (!request.choices.empty() && (request.context > 0 || request.stride > 0))
    throw UsageError("score", "--choices has no windows", "leave out --context and --stride");
  if (request.against && !request.edits.expressions.empty())
    throw UsageError("score", "edits and --against are given", "leave out one of them");
}

Scores score(const Session& session, const ScoreRequest& request) {
  Scores scores;
  std::optional<Session> other;
  if (request.against) {
    other.emplace(SessionOptions{*request.against, session.precision(), session.threads(), session.progress()});
    check_same_tokens(session, *other);
    scores.against = other->model_name();
  }
  scores.has_other = other || !request.edits.expressions.empty();
  Scorer scorer(session, request, other ? &*other : nullptr, scores);
  if (request.choices.empty())
    scorer.score_texts();
  else
    scorer.score_choices();
  return scores;
}

}  // namespace stratoscope
