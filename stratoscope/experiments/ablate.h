// Ablation: each part of the model removed alone, ranked by the change of a metric.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/target.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

enum class AblatedPart {
  head,     // attn.hook_z of one head
  attn,     // hook_attn_out of one block
  mlp,      // hook_mlp_out of one block
  block,    // both of one block, so that its residual stream is unchanged
  neurons,  // a group of consecutive neurons in mlp.hook_post
};
inline constexpr Choice<AblatedPart> kAblatedParts[] = {{AblatedPart::head, "heads"},
                                                        {AblatedPart::attn, "attn"},
                                                        {AblatedPart::mlp, "mlps"},
                                                        {AblatedPart::block, "blocks"},
                                                        {AblatedPart::neurons, "neurons"}};
constexpr std::span<const Choice<AblatedPart>> choices_of(AblatedPart) { return kAblatedParts; }
std::string_view name_of(AblatedPart part);  // of one part: "head"

struct AblateRequest {
  TextInput text = {};
  TextOptions text_options = {};
  std::vector<AblatedPart> parts = {AblatedPart::head, AblatedPart::attn, AblatedPart::mlp, AblatedPart::block};
  std::vector<TargetChoice> targets = {};  // as many as the metric reads
  Metric metric = Metric::log_prob;
  std::optional<Index> position = {};       // the metric is read after it; default: the last
  bool mean = false;                        // the mean over all positions instead of zero
  std::vector<std::string> reference = {};  // take the mean over these texts instead of TEXT, with `mean`
  std::size_t neurons_in_group = 0;         // 0: sixteen groups a block
  std::size_t memory_limit = 0;             // bytes; 0 is a quarter of this machine's memory
  std::size_t top = 20;                     // the number that is printed
};
void describe(AblateRequest& request, Fields& fields);

struct Ablation {
  AblatedPart part = AblatedPart::head;
  std::size_t layer = 0;
  std::size_t index = 0;  // a head, or the first neuron
  std::size_t last = 0;   // the last neuron of a group
  double value = 0;       // the metric without the part
  Effect effect = {};
};
// "L3H5", "attn 3", "MLP 3", "block 3", "MLP 3, neurons 0–191"
std::string name_of(const Ablation& ablation);

struct Ablations {
  Text text;
  std::vector<Target> targets;
  Metric metric = Metric::log_prob;
  std::optional<std::size_t> position;  // where it is not the last one
  bool mean = false;
  std::size_t reference_texts = 0, reference_tokens = 0;
  double clean = 0;
  std::vector<Ablation> ablations;  // sorted by the size of the metric's change, the largest first
  Effect effect;
  std::vector<std::string> warnings;  // targets that are cut, results that are not finite
};

// Throws Error for parts that are named twice, and for a group size without neurons.
Ablations ablate(const Session& session, const AblateRequest& request);
Document to_json(const Session& session, const Ablations& ablations);
// The metric without each part, and kl of it: head [layer, head], attn, mlp and block [layer], neurons [layer, group],
// and the same with "_kl". NaN where a layer has no such part.
std::vector<NamedValues> arrays_of(const Ablations& ablations);
// Heat maps by block: of heads, of whole parts, of groups of neurons.
Figure figure_of(const Ablations& ablations);

}  // namespace stratoscope
