// A metric computed directly: from one complete run of a text with its edits, and one without.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "stratoscope/probe/metrics.h"
#include "stratoscope/session/session.h"
#include "stratoscope/session/target.h"

namespace stratoscope::test {

struct FollowedMetric {
  Metric metric = Metric::log_prob;
  TokenIds targets = {};
};

inline Run<float> whole_run(const Session& session, const std::string& text, const Edits& edits = {},
                            const std::vector<HookPoint>& captures = {}) {
  const Text read = session.read(text);
  RunRequest request;
  request.sequences = {read.ids};
  request.edits = resolve_edits(session, read, edits);
  request.captures = captures_of(captures);
  return session.model().run(request);
}

inline std::span<const float> last_logits(const Run<float>& run) {
  return run.logits.matrix().row_span(run.logits.shape()[0] - 1);
}

inline double edited_metric(const Session& session, const std::string& text, const Edits& edits,
                            const FollowedMetric& followed) {
  const Run<float> edited = whole_run(session, text, edits), clean = whole_run(session, text);
  return metric_value<float>(followed.metric, last_logits(edited), last_logits(clean), followed.targets);
}

// "hook = vector", with numbers that are in no file.
inline EditExpression set_to(const std::string& hook, std::vector<double> vector) {
  EditExpression edit(hook + " = 1 * none.npy");
  edit.terms[0].vector_file.clear();
  edit.terms[0].vector_values = std::make_shared<const std::vector<double>>(std::move(vector));
  return edit;
}

}  // namespace stratoscope::test
