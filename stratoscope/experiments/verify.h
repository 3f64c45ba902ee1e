// The verification of a run: the text in the session's precision and on the plain float64 path, at every hook point.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct VerifyRequest {
  TextInput text = {};
  TextOptions text_options = {};
  Edits edits = {};
};
void describe(VerifyRequest& request, Fields& fields);

// The largest error at one hook point: absolute, and relative to the largest magnitude of its row.
struct PointError {
  HookPoint at;
  double max_abs = 0, max_rel = 0;
};

struct Verification {
  Text text;
  std::vector<PointError> errors;  // in firing order
  std::optional<Effect> effect;
};

Verification verify(const Session& session, const VerifyRequest& request);
Document to_json(const Session& session, const Verification& result);
// max_abs and max_rel [hook point].
std::vector<NamedValues> arrays_of(const Verification& result);
// The relative error of the points along the residual stream, by block.
Figure figure_of(const Verification& result);

}  // namespace stratoscope
