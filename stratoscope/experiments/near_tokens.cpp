#include "stratoscope/experiments/near_tokens.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "stratoscope/analysis/nearest_rows.h"
#include "stratoscope/experiments/near_tokens_json.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {

template <class T>
std::vector<NearTokens> nearest_tokens(const Session& session, Role table, MatrixView<const T> vectors,
                                       std::size_t count) {
  std::vector<NearTokens> lists;
  session.checkpoint().lend(table, [&](const Checkpoint::LentMatrix& lent) {
    const MatrixView<const float> rows(lent.numbers, session.config().d_vocab, vectors.cols);
    for (const auto& found : nearest_rows(vectors, rows, count)) {
      NearTokens& list = lists.emplace_back();
      for (const NearRow& each : found) {
        const auto id = static_cast<TokenId>(each.row);
        list.push_back({id, session.token_text(id), each.cosine});
      }
    }
  });
  return lists;
}

template std::vector<NearTokens> nearest_tokens(const Session&, Role, MatrixView<const float>, std::size_t);
template std::vector<NearTokens> nearest_tokens(const Session&, Role, MatrixView<const double>, std::size_t);

Panel nearest_panel(const std::vector<std::string>& labels, const std::vector<NearTokens>& lists) {
  Panel panel;
  panel.y.ticks = labels;
  panel.x.title = "nearest tokens, from the left";
  Heatmap map;
  std::size_t columns = 0;
  for (const NearTokens& list : lists) {
    columns = std::max(columns, list.size());
    auto& values = map.values.emplace_back();
    auto& texts = map.texts.emplace_back();
    for (const NearToken& each : list) {
      values.push_back(each.cosine);
      texts.push_back(token_label(each.token));
    }
  }
  for (std::size_t rank = 0; rank < columns; ++rank) panel.x.ticks.push_back(std::to_string(rank + 1));
  panel.marks = {std::move(map)};
  return panel;
}

ColorScale nearest_scale(const std::vector<NearTokens>& lists) {
  double least = 0;
  for (const NearTokens& list : lists)
    for (const NearToken& each : list)
      if (std::isfinite(each.cosine)) least = std::min(least, each.cosine);
  return {ColorMap::viridis, "cosine", least, 1};
}

Json near_tokens_json(const NearTokens& tokens) {
  Json list = Json::array();
  for (const NearToken& each : tokens)
    list.push_back({{"id", each.id}, {"token", each.token}, {"cosine", each.cosine}});
  return list;
}

}  // namespace stratoscope
