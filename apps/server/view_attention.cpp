#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "apps/server/limits.h"
#include "apps/server/views.h"
#include "stratoscope/experiments/attention.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kThumbnail = 24;  // cells along a side of a thumbnail

// The largest weight of each cell, so that a thin line stays visible.
void downsample(MatrixView<const float> pattern, std::size_t side, float* out) {
  const std::size_t count = pattern.rows;
  std::fill_n(out, side * side, 0.0F);
  for (std::size_t query = 0; query < count; ++query)
    for (std::size_t key = 0; key <= query; ++key) {
      float& cell = out[query * side / count * side + key * side / count];
      cell = std::max(cell, pattern.row(query)[key]);
    }
}

// Thumbnails and scores, of one run or of the difference of two.
struct HeadsWork {
  TextRequest text_request;
  std::vector<std::pair<Which, float>> runs;  // with their signs
  std::size_t next = 0;
  JobResult result;

  void begin(const OpenText& text) {
    const ModelConfig& config = text_request.model->session().config();
    const std::size_t side = std::min(kThumbnail, text.positions());
    result.json = {
        {"layers", config.n_layers()}, {"heads", config.n_heads()}, {"scores", choice_names<AttentionScore>()}};
    result.add("thumbnails", {config.n_layers(), config.n_heads(), side, side});
    result.add("score_values", {std::size(kAttentionScores), config.n_layers(), config.n_heads()});
  }

  void read_layer(OpenText& text, Job& job) {
    const ModelConfig& config = text_request.model->session().config();
    NamedArray &thumbnails = result.arrays[0], &scores = result.arrays[1];
    const std::size_t side = thumbnails.shape[2];
    std::vector<float> small(side * side);
    for (const auto& [which, sign] : runs) {
      const Tensor patterns = text.patterns(which, next);
      for (std::size_t head = 0; head < config.n_heads(); ++head) {
        const auto pattern = patterns.slice(head);
        downsample(pattern, side, small.data());
        float* const thumbnail = thumbnails.values.data() + (next * config.n_heads() + head) * side * side;
        for (std::size_t i = 0; i < small.size(); ++i) thumbnail[i] += sign * small[i];
        const AttentionScores of_head = attention_scores(pattern, std::span<const TokenId>(text.text().ids));
        for (std::size_t s = 0; s < std::size(kAttentionScores); ++s)
          scores.values[(s * config.n_layers() + next) * config.n_heads() + head] +=
              sign * static_cast<float>(score_of(of_head, kAttentionScores[s].value));
      }
    }
    job.update("attention", next + 1, config.n_layers());
  }
};

}  // namespace

Job::Step heads_view(Fields& fields, const TextRequest& text_request) {
  std::vector<std::pair<Which, float>> runs{{Which::edited, 1.0F}, {Which::clean, -1.0F}};
  if (fields.value("which") != "difference") runs = {{read_which(fields), 1.0F}};
  auto work = std::make_shared<HeadsWork>(HeadsWork{text_request, std::move(runs), 0, {}});
  return [work](Job& job) {
    OpenText& text = work->text_request.open();
    if (work->result.arrays.empty()) work->begin(text);
    work->read_layer(text, job);
    if (++work->next < work->text_request.model->session().config().n_layers()) return false;
    job.set_result(std::move(work->result));
    return true;
  };
}

Job::Step pattern_view(Fields& fields, const TextRequest& text_request) {
  const std::size_t layer = fields.count_or("layer", kTextBytes, 0), head = fields.count_or("head", kTextBytes, 0);
  const WindowFields window_field = read_window(fields, kWindow);
  return [=](Job& job) {
    OpenText& text = text_request.open();
    const ModelConfig& config = text_request.model->session().config();
    checked_index("layer", layer, config.n_layers());
    checked_index("head", head, config.n_heads());
    const Window window = window_field.in(text.positions());
    JobResult result;
    result.json = {{"layer", layer}, {"head", head}, {"from", window.from}, {"count", window.count}};
    for (const NamedRun run : runs_of(text)) {
      const Tensor patterns = text.patterns(run.which, layer, {head});
      NamedArray& array = result.add(run.name, {window.count, window.count});
      for (std::size_t i = 0; i < window.count; ++i)
        std::copy_n(patterns.matrix().row(window.from + i) + window.from, window.count,
                    array.values.data() + i * window.count);
    }
    job.set_result(std::move(result));
    return true;
  };
}

}  // namespace stratoscope::server
