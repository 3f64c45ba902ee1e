// Direct logit attribution: the contributions of the model's parts to a token's logit, or to the difference of two
// tokens' logits. The scales of the final norm and of norms after branches are held at their values, so that the
// contributions add up (analysis/attribution.h); indirect effects through later blocks count as contributions of those
// blocks. If the model caps its logits, the logit before the cap is split.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/target.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct AttributionRequest {
  TextInput text = {};
  TextOptions text_options = {};
  Edits edits = {};
  // One token, or two for the logit of the first minus that of the second; without any, the likeliest next token.
  std::vector<TargetChoice> targets = {};
  Index position = -1;                     // the position after which the logit is read
  std::size_t top = 10;                    // the number of highest and of lowest neurons
  std::vector<HookExpression> heads = {};  // "L5H3", for the source positions; the three largest without any
};
void describe(AttributionRequest& request, Fields& fields);

// A summand of the residual stream at the position, or the change that an edit makes there.
struct AttributionPart {
  std::string name;                  // "blocks.3.hook_attn_out"; for biases "blocks.3.attn.b_O"; "edit of hook_embed"
  std::string label;                 // "L3 attention"
  std::optional<std::size_t> layer;  // empty outside the blocks
  double contribution = 0;
};

struct HeadAttribution {
  std::size_t layer = 0, head = 0;
  double contribution = 0;
};

struct NeuronAttribution {
  std::size_t layer = 0, neuron = 0;
  double activation = 0, contribution = 0;
};

struct SourceAttribution {
  std::size_t layer = 0, head = 0;
  double contribution = 0;
  std::vector<double> by_position;  // of positions 0 to the requested one
  double edited = 0;                // the change by edits of attn.hook_z and attn.hook_result
};

// The model's logit minus the sum of each list of parts: the rounding error of the run.
struct AttributionResidues {
  double components = 0;
  double heads = 0;    // with each attention split into heads and `attention_parts`
  double neurons = 0;  // with each MLP split into neurons and `mlp_parts`
  double sources = 0;  // the largest difference between a head and the sum of its source positions
};

struct Attribution {
  Text text;
  std::size_t position = 0;
  std::vector<Target> targets;
  double value = 0;         // the model's logit, or difference of logits, before a cap
  double cap = 0;           // of the model's logits; 0: none
  double capped_value = 0;  // the value after the cap, if there is one
  double scale = 1;         // the final norm's divisor at the position
  // Embedding, positional embedding, attention and MLP of each block, biases after them, and edits between them.
  std::vector<AttributionPart> components;
  std::vector<AttributionPart> attention_parts, mlp_parts;     // their biases, and edits of their outputs
  std::vector<HeadAttribution> heads;                          // all heads, block by block
  std::vector<NeuronAttribution> top_neurons, bottom_neurons;  // the highest first; the lowest first
  std::vector<SourceAttribution> sources;                      // of the requested heads
  std::vector<std::vector<double>> by_source;  // [block][position]: all heads of a block, by source position
  AttributionResidues residues;
  std::optional<Effect> effect;

  double sum() const { return value - residues.components; }
};

// Throws Error for more than two targets, two that are the same token, and a position or head out of range.
Attribution attribution(const Session& session, const AttributionRequest& request);
// "logit of “ insect”", "logit of “ insect” minus that of “ bug”"
std::string attribution_title(const Attribution& result);
// Of a model that caps its logits " before the cap of 30, and 4.1 after it"; otherwise empty.
std::string cap_note(const Attribution& result);
// Targets of several tokens, of which only one is read.
std::vector<std::string> warnings_of(const Attribution& result);
Document to_json(const Session& session, const Attribution& result);
// components [component]; heads [layer, head]; by_source [block, position].
std::vector<NamedValues> arrays_of(const Attribution& result);
// Components as bars and heads as a map of blocks and heads; with `sources`, the source positions of each requested
// head.
Figure figure_of(const Attribution& result, bool sources = false);
Figure figure_of(const Attribution& result, const AttributionRequest& request);

}  // namespace stratoscope
