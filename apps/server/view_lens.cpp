#include <cmath>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "apps/server/limits.h"
#include "apps/server/views.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/probe/metric_reader.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::server {
namespace {

// The logits of the last depth, the reference of the KL divergence of all others.
struct FinalRow {
  FinalRow(OpenText& text, Which of, std::size_t last, std::span<const std::size_t> positions)
      : which(of),
        logits(text.logits(of, last, positions)),
        reader(Metric::kl, std::vector<TokenId>{}, false, std::as_const(logits).matrix()) {}

  Which which;
  Tensor logits;
  MetricReader<float> reader;
};

// One depth per step, from the last to the first, so that other jobs can run between them.
struct LensWork {
  TextRequest text_request;
  WindowFields window_field;
  Which which;
  bool compare;  // also computes the numbers of the clean run
  std::vector<std::size_t> positions = {};
  std::optional<FinalRow> shown = {}, clean = {};
  std::size_t next = 0;  // number of depths left
  JobResult result = {};

  void begin(OpenText& text) {
    const Window window = window_field.in(text.positions());
    positions.resize(window.count);
    std::iota(positions.begin(), positions.end(), window.from);
    const ModelConfig& config = text_request.model->session().config();
    next = config.n_hidden_states();
    result.json = {{"labels", depth_labels(config)}, {"from", window.from}, {"count", window.count}};
    result.json["tokens"] = Json::array();
    result.json["tokens"].get_ref<Json::array_t&>().resize(next);
    for (const char* name : {"id", "prob", "entropy", "kl"}) result.add(name, {next, window.count});
    shown.emplace(text, which, next - 1, positions);
    if (!compare) return;
    for (const char* name : {"clean_prob", "clean_entropy", "clean_kl"}) result.add(name, {next, window.count});
    clean.emplace(text, Which::clean, next - 1, positions);
  }

  // One run at one depth. `first` is the index of its array of probabilities; entropy and KL follow.
  void read_run(OpenText& text, const FinalRow& final, std::size_t depth, std::size_t first) {
    const Session& session = text_request.model->session();
    const bool is_last = depth + 1 == session.config().n_hidden_states();
    const Tensor logits = is_last ? final.logits.copy() : text.logits(final.which, depth, positions);
    const std::size_t count = positions.size();
    const auto out = [&](std::size_t array) { return result.arrays[array].values.data() + depth * count; };
    const ThreadScope threads(session.model().threads());
    parallel_for(count, [&](std::size_t i) {
      const std::span<const float> row = logits.matrix().row_span(i);
      const SoftmaxSums sums = softmax_sums(row);
      if (&final == &*shown) out(0)[i] = static_cast<float>(most_likely(row, 1)[0]);
      const TokenId token[] = {static_cast<TokenId>(out(0)[i])};
      out(first)[i] = static_cast<float>(metric_value<float>(Metric::prob, row, sums, 0, token));
      out(first + 1)[i] = static_cast<float>(sums.entropy);
      out(first + 2)[i] = static_cast<float>(is_last ? 0 : final.reader.change(i, row, sums.log_sum_exp).kl);
    });
  }

  void read_depth(OpenText& text, std::size_t depth, Job& job) {
    read_run(text, *shown, depth, 1);
    if (clean) read_run(text, *clean, depth, 4);
    const Session& session = text_request.model->session();
    const std::size_t count = positions.size();
    const auto out = [&](std::size_t array) { return result.arrays[array].values.data() + depth * count; };
    Json tokens = Json::array();
    for (std::size_t i = 0; i < count; ++i) tokens.push_back(session.token_text(static_cast<TokenId>(out(0)[i])));
    Json event{{"depth", depth}, {"from", positions.front()}, {"tokens", tokens}};
    for (std::size_t a = 0; a < result.arrays.size(); ++a) {
      Json values = Json::array();
      for (std::size_t i = 0; i < count; ++i) values.push_back(std::isfinite(out(a)[i]) ? Json(out(a)[i]) : Json());
      event[result.arrays[a].name] = std::move(values);
    }
    job.emit("depth", event);
    result.json["tokens"][depth] = std::move(tokens);
  }
};

}  // namespace

Job::Step lens_view(Fields& fields, const TextRequest& text_request) {
  auto work = std::make_shared<LensWork>(
      LensWork{text_request, read_window(fields, kLensWindow), read_which(fields), fields.flag("compare")});
  return [work](Job& job) {
    OpenText& text = work->text_request.open();
    if (work->positions.empty()) work->begin(text);
    work->read_depth(text, --work->next, job);
    if (work->next > 0) return false;
    job.set_result(std::move(work->result));
    return true;
  };
}

}  // namespace stratoscope::server
