// The tokens whose embedding or unembedding is nearest to a vector, by cosine (analysis/nearest_rows.h).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/session.h"

namespace STRATOSCOPE_API stratoscope {

struct NearToken {
  TokenId id = 0;
  std::string token;
  double cosine = 0;
};
using NearTokens = std::vector<NearToken>;  // the nearest first

// The `count` nearest tokens of each vector [n, d_model], by Role::embed or Role::unembed. T is float or double.
template <class T>
STRATOSCOPE_API std::vector<NearTokens> nearest_tokens(const Session& session, Role table, MatrixView<const T> vectors,
                                                       std::size_t count);

// The lists as rows of a heat map with the tokens in its cells, the first list on top; and the colours of their
// cosines.
Panel nearest_panel(const std::vector<std::string>& labels, const std::vector<NearTokens>& lists);
ColorScale nearest_scale(const std::vector<NearTokens>& lists);

}  // namespace stratoscope
