// The geometry of hidden states through depth: how long they are, in how many dimensions and in which cone they lie,
// how alike two depths are, along which paths tokens move, and which tokens of the vocabulary they point at. Formulas
// and their sources stand in analysis/dispersion.h, cka.h, principal_components.h and nearest_rows.h.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/analysis/dispersion.h"
#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/token_choice.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

// What the last depth is; the others are what enters each block.
enum class LastDepth {
  resid,   // the last block's output: a residual stream as all the others are
  hidden,  // after the final norm, as in hidden states
};

// What a figure shows.
enum class GeometryView {
  measures,    // norms, effective dimension, anisotropy and CKA, side by side
  trajectory,  // the tokens' paths along the first two principal components
  cka,         // CKA alone
  nearest,     // the vocabulary's tokens that one token's hidden state points at, depth by depth
};

inline constexpr Choice<LastDepth> kLastDepths[] = {{LastDepth::resid, "resid"}, {LastDepth::hidden, "hidden"}};
constexpr std::span<const Choice<LastDepth>> choices_of(LastDepth) { return kLastDepths; }
inline constexpr Choice<GeometryView> kGeometryViews[] = {{GeometryView::measures, "measures"},
                                                          {GeometryView::trajectory, "trajectory"},
                                                          {GeometryView::cka, "cka"},
                                                          {GeometryView::nearest, "nearest"}};
constexpr std::span<const Choice<GeometryView>> choices_of(GeometryView) { return kGeometryViews; }

struct GeometryRequest {
  std::string text = {};
  TextOptions text_options = {};
  Edits edits = {};
  LastDepth at = LastDepth::resid;
  // The tokens that are measured, an index list: all but the first where there are three or more, because GPT-2's first
  // hidden state is an outlier that hides the rest.
  std::optional<IndexList> tokens = {};
  std::optional<TokenChoice> token = {};       // whose nearest tokens are asked (choose_token)
  std::size_t top = 5;                         // how many of them
  GeometryView draw = GeometryView::measures;  // by a figure
};
void describe(GeometryRequest& request, Fields& fields);

struct NearToken {
  TokenId id = 0;
  std::string token;
  double cosine = 0;
};

struct Geometry {
  Text text;
  LastDepth at = LastDepth::resid;
  std::vector<std::size_t> tokens;                     // the measured ones, ascending
  std::vector<std::string> labels;                     // of the depths; what follows is by depth
  std::vector<std::vector<double>> norms;              // [depth][measured token]
  std::vector<double> dimensions;                      // participation ratios; NaN for one token
  std::vector<Anisotropy> anisotropies;                // NaN for one token
  std::vector<std::vector<double>> cka, cka_debiased;  // [depth][depth]; NaN for too few tokens
  // Principal components of all measured tokens at all depths together: [token][depth] is a point of two coordinates.
  std::vector<std::vector<std::vector<double>>> trajectories;
  std::vector<double> explained;  // shares of the variance along the two
  std::size_t token = 0;
  std::vector<std::vector<NearToken>> nearest;  // [depth][rank], of `token`
  std::optional<Effect> effect;
};

Geometry geometry(const Session& session, const GeometryRequest& request);
Document to_json(const Session& session, const Geometry& result);
// norms [depth, token]; participation_ratio, anisotropy and anisotropy_centred [depth]; cka and cka_debiased [depth,
// depth]; trajectories [token, depth, 2].
std::vector<NamedValues> arrays_of(const Geometry& result);
Figure figure_of(const Geometry& result, GeometryView view = GeometryView::measures);
Figure figure_of(const Geometry& result, const GeometryRequest& request);
// What the last depth is, as a sentence.
std::string last_depth_note(const Geometry& result);

}  // namespace stratoscope
