// Path patching (Wang et al. 2022, section 3.1; Goldowsky-Dill et al. 2023), exact: what reaches the metric through one
// edge between two parts of the model.
//
// An edge leads from a sender (a head or an MLP) to a receiver after it (a head, an MLP, or the logits). A sender's
// output is replaced; the change is added to what this one receiver reads of the residual stream and to nothing else.
// The receiver's own output then changes, and goes on through the model as usual. Everything in between stays as it
// was.
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

// What takes the place of a sender's output.
enum class Replacement {
  corrupt,  // its output at the same position in the other text
  zero,
  mean,  // the mean of its outputs over the text's positions
};

struct EdgesRequest {
  TokenIds text = {};
  TokenIds corrupt = {};  // as long as the text; for Replacement::corrupt alone
  Replacement replacement = Replacement::corrupt;
  Metric metric = Metric::log_prob;
  TokenIds targets = {};
  std::size_t memory_limit = 0;  // as for a sweep; half of it may hold what senders write
  Progress* progress = nullptr;
};

struct Edges {
  std::vector<Component> components;  // block by block its heads, then its MLP
  std::vector<bool> parallel;         // of each block: its MLP does not read what its heads write
  double clean = 0;
  // [sender][receiver]: the metric with this edge alone. Receivers are the components and last the logits; NaN also
  // where there is no edge.
  std::vector<std::vector<double>> values;
  Effect effect;  // the largest of an edge

  bool has(std::size_t sender, std::size_t receiver) const;
};

// Throws Error for texts of different lengths, for a model with norms after its branches, and as sweep() does.
Edges patch_edges(const Model& model, const EdgesRequest& request);

}  // namespace stratoscope
