#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "apps/server/limits.h"
#include "apps/server/views.h"
#include "stratoscope/experiments/attention.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kThumbnail = 24;  // cells along a side of a small picture

// The largest weight of each cell, so that a thin line stays visible.
void shrink(MatrixView<const float> pattern, std::size_t side, float* out) {
  const std::size_t count = pattern.rows;
  std::fill_n(out, side * side, 0.0F);
  for (std::size_t query = 0; query < count; ++query)
    for (std::size_t key = 0; key <= query; ++key) {
      float& cell = out[query * side / count * side + key * side / count];
      cell = std::max(cell, pattern.row(query)[key]);
    }
}

// Of the patterns with and without edits, or of what the edits change.
struct HeadsWork {
  Asked asked;
  std::vector<std::pair<Which, float>> sides;  // with their signs
  std::size_t next = 0;
  Answer answer;

  void begin(const OpenText& text) {
    const ModelConfig& config = asked.model->session().config();
    const std::size_t side = std::min(kThumbnail, text.positions());
    answer.json = {{"layers", config.n_layers()}, {"heads", config.n_heads()}, {"scores", attention_score_names()}};
    answer.add("thumbnails", {config.n_layers(), config.n_heads(), side, side});
    answer.add("score_values", {attention_score_names().size(), config.n_layers(), config.n_heads()});
  }

  void read_layer(OpenText& text, Job& job) {
    const ModelConfig& config = asked.model->session().config();
    NamedArray &pictures = answer.arrays[0], &scores = answer.arrays[1];
    const std::size_t side = pictures.shape[2];
    std::vector<float> small(side * side);
    for (const auto& [which, sign] : sides) {
      const Tensor patterns = text.patterns(which, next);
      for (std::size_t head = 0; head < config.n_heads(); ++head) {
        const auto pattern = patterns.slice(head);
        shrink(pattern, side, small.data());
        float* const picture = pictures.values.data() + (next * config.n_heads() + head) * side * side;
        for (std::size_t i = 0; i < small.size(); ++i) picture[i] += sign * small[i];
        const AttentionScores of_head = attention_scores(pattern, std::span<const TokenId>(text.text().ids));
        for (std::size_t s = 0; s < attention_score_names().size(); ++s)
          scores.values[(s * config.n_layers() + next) * config.n_heads() + head] +=
              sign * static_cast<float>(score_of(of_head, attention_score_names()[s]));
      }
    }
    job.update("attention", next + 1, config.n_layers());
  }
};

}  // namespace

Job::Step heads_view(Fields& fields, const Asked& asked) {
  std::vector<std::pair<Which, float>> sides{{Which::edited, 1.0F}, {Which::clean, -1.0F}};
  if (fields.anything("which") != "difference") sides = {{read_which(fields), 1.0F}};
  auto work = std::make_shared<HeadsWork>(HeadsWork{asked, std::move(sides), 0, {}});
  return [work](Job& job) {
    OpenText& text = work->asked.open();
    if (work->answer.arrays.empty()) work->begin(text);
    work->read_layer(text, job);
    if (++work->next < work->asked.model->session().config().n_layers()) return false;
    job.set_result(std::move(work->answer));
    return true;
  };
}

Job::Step pattern_view(Fields& fields, const Asked& asked) {
  const std::size_t layer = fields.count_or("layer", kTextBytes, 0), head = fields.count_or("head", kTextBytes, 0);
  const WindowFields asked_window = read_window(fields, kWindow);
  return [=](Job& job) {
    OpenText& text = asked.open();
    const ModelConfig& config = asked.model->session().config();
    checked_index("layer", layer, config.n_layers());
    checked_index("head", head, config.n_heads());
    const Window window = asked_window.in(text.positions());
    Answer answer;
    answer.json = {{"layer", layer}, {"head", head}, {"from", window.from}, {"count", window.count}};
    for (const Side side : sides_of(text)) {
      const Tensor patterns = text.patterns(side.which, layer, {head});
      NamedArray& array = answer.add(side.name, {window.count, window.count});
      for (std::size_t i = 0; i < window.count; ++i)
        std::copy_n(patterns.matrix().row(window.from + i) + window.from, window.count,
                    array.values.data() + i * window.count);
    }
    job.set_result(std::move(answer));
    return true;
  };
}

}  // namespace stratoscope::server
