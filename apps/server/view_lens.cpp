#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "apps/server/limits.h"
#include "apps/server/views.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/experiment/labels.h"
#include "stratoscope/probe/metric_reader.h"

namespace stratoscope::server {
namespace {

// One depth per step, from the last one down, so that newer requests need not wait for all of them.
struct LensWork {
  Asked asked;
  WindowFields asked_window;
  Which which;
  std::vector<std::size_t> positions;
  Tensor final_logits;
  std::optional<MetricReader<float>> final_reader;
  std::size_t next = 0;  // depths that are left
  Answer answer;

  void begin(OpenText& text) {
    const Window window = asked_window.in(text.positions());
    positions.resize(window.count);
    std::iota(positions.begin(), positions.end(), window.from);
    const ModelConfig& config = asked.model->session().config();
    next = config.n_hidden_states();
    answer.json = {{"labels", depth_labels(config)}, {"from", window.from}, {"count", window.count}};
    answer.json["tokens"] = Json::array();
    answer.json["tokens"].get_ref<Json::array_t&>().resize(next);
    for (const char* name : {"id", "prob", "entropy", "kl"}) answer.add(name, {next, window.count});
    final_logits = text.logits(which, next - 1, positions);
    final_reader.emplace(Metric::kl, std::vector<TokenId>{}, false, std::as_const(final_logits).matrix());
  }

  void read_depth(OpenText& text, std::size_t depth, Job& job) {
    const Session& session = asked.model->session();
    const bool is_last = depth + 1 == session.config().n_hidden_states();
    const Tensor logits = is_last ? final_logits.copy() : text.logits(which, depth, positions);
    const std::size_t count = positions.size();
    const auto out = [&](std::size_t array) { return answer.arrays[array].values.data() + depth * count; };
    {
      const ThreadScope threads(session.model().threads());
      parallel_for(count, [&](std::size_t i) {
        const std::span<const float> row = logits.matrix().row_span(i);
        const SoftmaxSums sums = softmax_sums(row);
        const TokenId likeliest[] = {most_likely(row, 1)[0]};
        out(0)[i] = static_cast<float>(likeliest[0]);
        out(1)[i] = static_cast<float>(metric_value<float>(Metric::prob, row, sums, 0, likeliest));
        out(2)[i] = static_cast<float>(sums.entropy);
        out(3)[i] = static_cast<float>(is_last ? 0 : final_reader->change(i, row, sums.log_sum_exp).kl);
      });
    }
    Json tokens = Json::array();
    for (std::size_t i = 0; i < count; ++i) tokens.push_back(session.token_text(static_cast<TokenId>(out(0)[i])));
    Json event{{"depth", depth}, {"from", positions.front()}, {"tokens", tokens}};
    for (std::size_t a = 0; a < answer.arrays.size(); ++a) {
      Json values = Json::array();
      for (std::size_t i = 0; i < count; ++i) values.push_back(std::isfinite(out(a)[i]) ? Json(out(a)[i]) : Json());
      event[answer.arrays[a].name] = std::move(values);
    }
    job.emit("depth", event);
    answer.json["tokens"][depth] = std::move(tokens);
  }
};

}  // namespace

Job::Step lens_view(Fields& fields, const Asked& asked) {
  auto work = std::make_shared<LensWork>(
      LensWork{asked, read_window(fields, kLensWindow), read_which(fields), {}, {}, {}, 0, {}});
  return [work](Job& job) {
    OpenText& text = work->asked.open();
    if (work->positions.empty()) work->begin(text);
    work->read_depth(text, --work->next, job);
    if (work->next > 0) return false;
    job.set_result(std::move(work->answer));
    return true;
  };
}

}  // namespace stratoscope::server
