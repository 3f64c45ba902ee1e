#include "stratoscope/experiments/score_windows.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "stratoscope/base/threads.h"
#include "stratoscope/probe/metrics.h"

namespace stratoscope {
namespace {

constexpr std::size_t kLogitBytes = std::size_t{256} << 20, kMostRows = 2048;  // of a batch

template <class T>
BasicTensor<T> logits_of(const Session& session, RunRequest pass) {
  if constexpr (std::is_same_v<T, float>)
    return std::move(session.model().run(pass).logits);
  else
    return std::move(session.model().run_reference(pass).logits);
}

// KL(p || q) of two rows of logits, and the largest change of a logit.
template <class T>
std::pair<double, double> divergence(std::span<const T> p, std::span<const T> q, double sum_p, double sum_q) {
  double kl = 0, change = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double log_p = static_cast<double>(p[i]) - sum_p, log_q = static_cast<double>(q[i]) - sum_q;
    if (const double probability = std::exp(log_p); !(probability == 0)) kl += probability * (log_p - log_q);
    const double difference = std::abs(static_cast<double>(p[i]) - static_cast<double>(q[i]));
    if (!(difference <= change)) change = difference;
  }
  return {kl, change};
}

}  // namespace

std::vector<TokenWindow> token_windows(std::size_t count, std::size_t context, std::size_t stride) {
  std::vector<TokenWindow> windows;
  std::size_t scored = 1;
  for (std::size_t begin = 0; scored < count; begin += stride) {
    const std::size_t end = std::min(begin + context, count);
    windows.push_back({begin, end, scored});
    scored = end;
  }
  return windows;
}

JobScorer::JobScorer(const Session& session, const Edits& edits, const TextOptions& options, const Session* other)
    : session_(session), other_(other), edits_(session, edits, options) {}

std::vector<JobScores> JobScorer::score(std::span<const ScoreJob> jobs) {
  return session_.precision() == Precision::fp64 ? score_as<double>(jobs) : score_as<float>(jobs);
}

template <class T>
std::vector<JobScores> JobScorer::score_as(std::span<const ScoreJob> jobs) {
  const std::size_t most = std::clamp<std::size_t>(kLogitBytes / (session_.config().d_vocab * sizeof(T)), 1, kMostRows);
  QuietProgress quiet(session_.progress());
  RunRequest pass;
  pass.hidden_states = false;
  pass.progress = &quiet;
  struct Place {
    std::size_t job, row, token;  // the row that predicts the token
  };
  std::vector<Place> places;
  std::size_t rows = 0, count = 0;
  for (; count < jobs.size() && (count == 0 || rows + jobs[count].ids.size() <= most); ++count) {
    const ScoreJob& job = jobs[count];
    for (std::size_t token = job.scored; token < job.ids.size(); ++token)
      places.push_back({count, rows + token - 1, token});
    for (HookEdit& edit : edits_.resolve(job.ids, count)) pass.edits.push_back(std::move(edit));
    pass.sequences.push_back(job.ids);
    rows += job.ids.size();
  }
  const BasicTensor<T> logits = logits_of<T>(session_, pass);
  BasicTensor<T> other;
  if (other_ != nullptr || !edits_.empty()) {
    pass.edits.clear();
    other = logits_of<T>(other_ != nullptr ? *other_ : session_, std::move(pass));
  }
  std::vector<TokenScore> tokens(places.size());
  std::vector<double> changes(places.size());
  const ThreadScope threads(session_.model().threads());
  parallel_for(places.size(), [&](std::size_t i) {
    const Place& place = places[i];
    const auto id = static_cast<std::size_t>(jobs[place.job].ids[place.token]);
    const std::span<const T> row = logits.matrix().row_span(place.row);
    const double sum = log_sum_exp(row);
    tokens[i].nats = sum - static_cast<double>(row[id]);
    tokens[i].before = place.token;
    if (other.empty()) return;
    const std::span<const T> other_row = std::as_const(other).matrix().row_span(place.row);
    const double other_sum = log_sum_exp(other_row);
    tokens[i].other_nats = other_sum - static_cast<double>(other_row[id]);
    std::tie(tokens[i].kl, changes[i]) =
        other_ != nullptr ? divergence(row, other_row, sum, other_sum) : divergence(other_row, row, other_sum, sum);
  });
  std::vector<JobScores> scores(count);
  for (std::size_t i = 0; i < places.size(); ++i) {
    JobScores& of = scores[places[i].job];
    of.tokens.push_back(tokens[i]);
    if (!(changes[i] <= of.max_change)) of.max_change = changes[i];
  }
  return scores;
}

}  // namespace stratoscope
