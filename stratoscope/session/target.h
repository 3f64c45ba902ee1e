// The token that a metric or a lens reads, in the form in which a user names it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/probe/metrics.h"
#include "stratoscope/session/session.h"

namespace STRATOSCOPE_API stratoscope {

// The choice of a token whose prediction is measured: a text, whose first token is used, or an id.
struct TargetChoice {
  std::string text = {};
  std::optional<long> id = {};
};

struct Target {
  TokenId id = 0;
  std::string token;
  TokenIds ids;                     // of the whole target text
  std::vector<std::string> pieces;  // their texts
};

// Throws Error for an empty text and an id that the model does not have.
Target read_target(const Session& session, const TargetChoice& choice);

// The tokens that a metric reads.
std::vector<Target> read_targets(const Session& session, const std::vector<TargetChoice>& choices);

// The warning of a text of several tokens, of which only the first is used. Empty for one token.
std::string cut_warning(const Target& target);
std::vector<std::string> cut_warnings(const std::vector<Target>& targets);

// A metric with the tokens that it reads.
struct TargetMeasure {
  Metric metric = Metric::log_prob;
  std::vector<Target> targets;
};

// The measures of several metrics: one for each target, one for a metric of two targets or of none. Throws Error with
// `who` as its `where` for a number of targets that a metric cannot read, and for targets that none reads.
std::vector<TargetMeasure> measures_of(const char* who, const std::vector<Metric>& metrics,
                                       const std::vector<Target>& targets);

// "log-probability of “ insect” (nats)", "logit difference of “ A” to “ B”"
std::string metric_title(Metric metric, const std::vector<Target>& targets);
inline std::string title_of(const TargetMeasure& measure) { return metric_title(measure.metric, measure.targets); }

}  // namespace stratoscope
