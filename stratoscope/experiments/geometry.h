// The geometry of hidden states through depth: their norms, effective dimension and anisotropy, the similarity of two
// depths, the paths of the tokens, and the nearest tokens of the vocabulary. Formulas and their sources are in
// analysis/dispersion.h, cka.h, principal_components.h and nearest_rows.h.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/analysis/dispersion.h"
#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/experiments/near_tokens.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/token_choice.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

// The choice of the last depth; the other depths are the inputs of the blocks.
enum class LastDepth {
  resid,   // the last block's output: a residual stream like the other depths
  hidden,  // after the final norm, as in hidden states
};

// The content of a figure.
enum class GeometryView {
  measures,    // norms, effective dimension, anisotropy and CKA, side by side
  trajectory,  // the tokens' paths along the first two principal components
  cka,         // CKA alone
  dimension,   // the components for a share of the variance, of the states and of shuffled ones
  nearest,     // the tokens whose embeddings are nearest to one token's hidden state, at each depth
};

inline constexpr Choice<LastDepth> kLastDepths[] = {{LastDepth::resid, "resid"}, {LastDepth::hidden, "hidden"}};
constexpr std::span<const Choice<LastDepth>> choices_of(LastDepth) { return kLastDepths; }
inline constexpr Choice<GeometryView> kGeometryViews[] = {{GeometryView::measures, "measures"},
                                                          {GeometryView::trajectory, "trajectory"},
                                                          {GeometryView::cka, "cka"},
                                                          {GeometryView::dimension, "dimension"},
                                                          {GeometryView::nearest, "nearest"}};
constexpr std::span<const Choice<GeometryView>> choices_of(GeometryView) { return kGeometryViews; }

struct GeometryRequest {
  TextInput text = {};
  TextOptions text_options = {};
  Edits edits = {};
  LastDepth at = LastDepth::resid;
  // The measured tokens, an index list. Default: all but the first if there are three or more, because the first hidden
  // state of GPT-2 is an outlier that hides the others.
  std::optional<IndexList> tokens = {};
  std::optional<TokenChoice> token = {};       // the token whose nearest tokens are requested (choose_token)
  std::size_t top = 5;                         // the number of nearest tokens
  double variance = 0.95;                      // the share, above 0 and up to 1, that components are counted for
  std::size_t seed = 0;                        // of the shuffled control
  GeometryView draw = GeometryView::measures;  // of a figure
};
void describe(GeometryRequest& request, Fields& fields);

struct Geometry {
  Text text;
  LastDepth at = LastDepth::resid;
  std::vector<std::size_t> tokens;         // the measured tokens, ascending
  std::vector<std::string> labels;         // of the depths; the members below are by depth
  std::vector<std::vector<double>> norms;  // [depth][measured token]
  std::vector<double> dimensions;          // participation ratios; NaN for one token
  std::vector<Anisotropy> anisotropies;    // NaN for one token
  double variance = 0.95;
  // The principal components for this share of the variance, by depth: of the states, and after each dimension was
  // shuffled over the tokens, which leaves the components that chance gives. NaN for one token.
  std::vector<double> components, shuffled_components;
  std::vector<std::vector<double>> cka, cka_debiased;  // [depth][depth]; NaN for too few tokens
  // Principal components of all measured tokens at all depths together: [token][depth] is a point of two coordinates.
  std::vector<std::vector<std::vector<double>>> trajectories;
  std::vector<double> explained;  // shares of the variance along the two components
  std::size_t token = 0;
  std::vector<std::vector<NearToken>> nearest;  // [depth][rank], of `token`
  std::optional<Effect> effect;
};

Geometry geometry(const Session& session, const GeometryRequest& request);
Document to_json(const Session& session, const Geometry& result);
// norms [depth, token]; participation_ratio, anisotropy, anisotropy_centred, components and
// shuffled_components [depth]; cka and cka_debiased [depth,
// depth]; trajectories [token, depth, 2].
std::vector<NamedValues> arrays_of(const Geometry& result);
Figure figure_of(const Geometry& result, GeometryView view = GeometryView::measures);
Figure figure_of(const Geometry& result, const GeometryRequest& request);
// A sentence about the choice of the last depth.
std::string last_depth_note(const Geometry& result);

}  // namespace stratoscope
