// Windows over the tokens of a text, and the scores of tokens in them.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "stratoscope/experiments/score.h"
#include "stratoscope/session/session.h"

namespace stratoscope {

// The tokens [begin, end) of a text, of which those from `scored` on are scored.
struct TokenWindow {
  std::size_t begin = 0, end = 0, scored = 0;
  bool operator==(const TokenWindow&) const = default;
};

// For a text of `count` tokens: windows that begin each `stride` tokens, the last one with the text's end. The first
// token is not scored. None for fewer than two tokens. 1 <= stride < context.
std::vector<TokenWindow> token_windows(std::size_t count, std::size_t context, std::size_t stride);

// A piece of work: tokens, of which those from `scored` on are scored.
struct ScoreJob {
  TokenIds ids;
  std::size_t scored = 1;
};

// The scores of one job, and with edits the largest change of a logit.
struct JobScores {
  std::vector<TokenScore> tokens;
  double max_change = 0;
};

// Runs jobs in batches. With `other`, or with edits, each token is scored twice.
class JobScorer {
 public:
  JobScorer(const Session& session, const Edits& edits, const TextOptions& options, const Session* other);

  // As many of the first jobs as one batch holds, at least one.
  std::vector<JobScores> score(std::span<const ScoreJob> jobs);

 private:
  template <class T>
  std::vector<JobScores> score_as(std::span<const ScoreJob> jobs);

  const Session& session_;
  const Session* other_;
  EditResolver edits_;
};

}  // namespace stratoscope
