// The logit lens (nostalgebraist 2020): the prediction that the model would make if it ended at each depth. A vector of
// the residual stream is read through the final norm, once, and the unembedding; the raw lens leaves the norm out.
#pragma once

#include <cstddef>
#include <functional>
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
class OpenText;
}  // namespace stratoscope

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

struct Lens;

struct LensRequest {
  TextInput text = {};
  TextOptions text_options = {};
  Edits edits = {};
  std::size_t top = 5;
  LensPoint at = LensPoint::resid;
  IndexList positions = "all";
  IndexList depths = "all";                 // of what is read: rows of the result
  std::optional<TargetChoice> target = {};  // the same at every position
  LensColor color = LensColor::prob;        // of a figure
  bool compare = false;                     // also the clean run's numbers, for the tokens that the cells list
  bool no_effect = false;
  bool raw = false;  // the unembedding alone; the final prediction, and so `kl` and the default target, keep the norm
  // Called with each depth as it is read, from the last to the first, by its place in `Lens::depths`.
  std::function<void(const Lens& lens, std::size_t row)> take = {};
};
void describe(LensRequest& request, Fields& fields);

// The same cell of the clean run.
struct CleanLensCell {
  std::vector<double> top_probs;  // of the tokens that the edited cell lists
  double target_prob = 0, target_rank = 0, entropy = 0, kl = 0;
};

struct LensCell {
  std::vector<Prediction> top;  // falling, ties by lower id
  TokenId target = 0;           // the requested one, or the token that the model predicts here at the end
  double target_prob = 0;
  double target_rank = 0;                   // 0 is the likeliest; NaN if the logits are not finite
  double entropy = 0, kl = 0;               // nats
  std::optional<CleanLensCell> clean = {};  // of a comparison, where there are edits
};

struct Lens {
  Text text;
  LensPoint at = LensPoint::resid;
  bool raw = false;
  std::vector<std::size_t> positions;
  std::vector<std::size_t> depths;           // those that were asked
  std::vector<std::string> labels;           // of these depths
  std::vector<std::vector<LensCell>> cells;  // [depth][position]
  std::optional<Target> target;              // the requested one
  std::optional<Effect> effect;
};

Lens lens(const Session& session, const LensRequest& request);
// Only the residual stream can be read from an open text.
bool can_open(const LensRequest& request);
// The text and the edits are those of `open`.
Lens read_open(OpenText& open, const LensRequest& request);
// Emits "depth" for each, from the last to the first.
void stream(LensRequest& request, const EmitEvent& emit);
// A target of several tokens, of which only one is read.
std::vector<std::string> warnings_of(const Lens& lens);
Document to_json(const Session& session, const Lens& lens, DocumentParts parts = DocumentParts::all);
// ids and probs [depth, position, top]; target, target_prob, target_rank, entropy and kl [depth, position]; of a
// comparison also clean_probs, clean_entropy and clean_kl.
std::vector<NamedValues> arrays_of(const Lens& lens);
// Depths from bottom to top, positions to the right, each cell with its likeliest token.
Figure figure_of(const Lens& lens, LensColor color);
Figure figure_of(const Lens& lens, const LensRequest& request);

}  // namespace stratoscope
