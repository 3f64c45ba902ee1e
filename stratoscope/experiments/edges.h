// Path patching of each single edge between heads and MLPs: the circuit of a prediction.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/probe/edges.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/target.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct EdgesExperimentRequest {
  TextInput text = {};
  std::optional<std::string> corrupt = {};  // as many tokens as the text; without it senders are replaced by zero
  bool mean = false;                        // replace by the mean over the positions, if there is no corrupt text
  TextOptions text_options = {};
  std::vector<TargetChoice> targets = {};
  Metric metric = Metric::log_prob;
  std::size_t memory_limit = 0;
  std::size_t top = 20;  // the number that is printed and drawn
};
void describe(EdgesExperimentRequest& request, Fields& fields);

struct StrongEdge {
  std::size_t sender = 0, receiver = 0;  // indices in Edges::components; the receiver after the last is the logits
  double change = 0;                     // of the metric
};

struct EdgesExperiment {
  Text text;
  std::optional<Text> corrupt;
  std::vector<Target> targets;
  Metric metric = Metric::log_prob;
  Replacement replacement = Replacement::zero;
  Edges edges;
  std::vector<StrongEdge> strongest;  // all edges, sorted by the size of the metric's change, the largest first
  std::vector<std::string> warnings;  // targets that are cut, results that are not finite
};

EdgesExperiment edges(const Session& session, const EdgesExperimentRequest& request);
Document to_json(const Session& session, const EdgesExperiment& experiment);
// values [sender, receiver], NaN where there is no edge.
std::vector<NamedValues> arrays_of(const EdgesExperiment& experiment);
// The `shown` strongest edges as a circuit, and beside it the whole matrix.
Figure figure_of(const EdgesExperiment& experiment, std::size_t shown = 40);
Figure figure_of(const EdgesExperiment& experiment, const EdgesExperimentRequest& request);
// "L3H5", "MLP 3", "logits"
std::string receiver_name(const EdgesExperiment& experiment, std::size_t receiver);

}  // namespace stratoscope
