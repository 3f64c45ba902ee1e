// The logit lens (nostalgebraist 2020): the prediction that the model would make if it ended at each depth. A vector of
// the residual stream is read through the final norm, once, and the unembedding.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/experiments/predict.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/target.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

// The value that is read at each depth.
enum class LensPoint {
  resid,      // hidden states 0 to n_layers - 1, then the last block's output: the last row is the model's prediction
  resid_mid,  // between attention and MLP of each block
  attn_out,   // the output of attention alone
  mlp_out,    // the output of the MLP alone
};

// The meaning of a figure's colours.
enum class LensColor {
  prob,     // of the cell's likeliest token, or of the target if one is given
  rank,     // of the target at that depth; without one, of the token that the model predicts at the end
  entropy,  // of the cell's distribution, in nats
  kl,       // KL(final prediction || cell), in nats
};

inline constexpr Choice<LensPoint> kLensPoints[] = {{LensPoint::resid, "resid"},
                                                    {LensPoint::resid_mid, "resid_mid"},
                                                    {LensPoint::attn_out, "attn_out"},
                                                    {LensPoint::mlp_out, "mlp_out"}};
constexpr std::span<const Choice<LensPoint>> choices_of(LensPoint) { return kLensPoints; }
inline constexpr Choice<LensColor> kLensColors[] = {
    {LensColor::prob, "prob"}, {LensColor::rank, "rank"}, {LensColor::entropy, "entropy"}, {LensColor::kl, "kl"}};
constexpr std::span<const Choice<LensColor>> choices_of(LensColor) { return kLensColors; }

struct LensRequest {
  std::string text = {};
  TextOptions text_options = {};
  Edits edits = {};
  std::size_t top = 5;
  LensPoint at = LensPoint::resid;
  IndexList positions = "all";
  std::optional<TargetChoice> target = {};  // the same at every position
  LensColor color = LensColor::prob;        // of a figure
};
void describe(LensRequest& request, Fields& fields);

struct LensCell {
  std::vector<Prediction> top;  // falling, ties by lower id
  TokenId target = 0;           // the requested one, or the token that the model predicts here at the end
  double target_prob = 0;
  double target_rank = 0;      // 0 is the likeliest; NaN if the logits are not finite
  double entropy = 0, kl = 0;  // nats
};

struct Lens {
  Text text;
  LensPoint at = LensPoint::resid;
  std::vector<std::size_t> positions;
  std::vector<std::string> labels;           // of the depths
  std::vector<std::vector<LensCell>> cells;  // [depth][position]
  std::optional<Target> target;              // the requested one
  std::optional<Effect> effect;
};

Lens lens(const Session& session, const LensRequest& request);
// A target of several tokens, of which only one is read.
std::vector<std::string> warnings_of(const Lens& lens);
Document to_json(const Session& session, const Lens& lens);
// ids and probs [depth, position, top]; target, target_prob, target_rank, entropy and kl [depth, position].
std::vector<NamedValues> arrays_of(const Lens& lens);
// Depths from bottom to top, positions to the right, each cell with its likeliest token.
Figure figure_of(const Lens& lens, LensColor color);
Figure figure_of(const Lens& lens, const LensRequest& request);

}  // namespace stratoscope
