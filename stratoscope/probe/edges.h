// Path patching (Wang et al. 2022, section 3.1; Goldowsky-Dill et al. 2023), exact: the effect on the metric through
// one edge between two parts of the model. An edge leads from a sender (a head or an MLP) to a later receiver (a head,
// an MLP, or the logits). The sender's output is replaced, and the change is added to the input of this one receiver
// alone. The changed output of the receiver goes through the rest of the model; everything in between keeps its clean
// value.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/model/model.h"
#include "stratoscope/probe/effect.h"
#include "stratoscope/probe/metrics.h"

namespace STRATOSCOPE_API stratoscope {

struct Component {
  std::size_t layer = 0;
  std::size_t head = 0;
  bool is_mlp = false;
};
// "L3H5" or "MLP 3"
std::string name_of(const Component& component);

// The replacement of a sender's output.
enum class Replacement {
  corrupt,  // its output at the same position in the other text
  zero,
  mean,  // the mean of its outputs over the text's positions
};

struct EdgesRequest {
  TokenIds text = {};
  TokenIds corrupt = {};  // as long as `text`; only for Replacement::corrupt
  Replacement replacement = Replacement::corrupt;
  Metric metric = Metric::log_prob;
  TokenIds targets = {};
  std::size_t memory_limit = 0;  // as for a sweep; senders may use half of it
  Progress* progress = nullptr;
};

struct Edges {
  std::vector<Component> components;  // for each block its heads, then its MLP
  std::vector<bool> parallel;         // for each block: its MLP does not read the output of its heads
  double clean = 0;
  // [sender][receiver]: the metric with this edge alone; NaN if there is no edge. The receivers are the components,
  // then the logits.
  std::vector<std::vector<double>> values;
  Effect effect;  // the largest over the edges

  bool has(std::size_t sender, std::size_t receiver) const;
};

// Throws Error for texts of different lengths, for a model with norms after its branches, and the errors of sweep().
Edges patch_edges(const Model& model, const EdgesRequest& request);

}  // namespace stratoscope
