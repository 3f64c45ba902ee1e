#include "stratoscope/session/hook_means.h"

#include <algorithm>

#include "stratoscope/model/cone/cone_runs.h"

namespace stratoscope {
namespace {

template <class T>
void add_rows(const BasicTensor<T>& value, std::vector<double>& sums) {
  const std::size_t rows = value.shape()[0], width = value.size() / rows;
  sums.resize(width);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t i = 0; i < width; ++i) sums[i] += static_cast<double>(value.data()[r * width + i]);
}

}  // namespace

std::map<HookPoint, std::vector<double>> hook_means(const Session& session, std::span<const Text> texts,
                                                    std::span<const HookPoint> points, MeanOf of) {
  std::map<HookPoint, std::vector<double>> means;
  std::size_t rows = 0;
  QuietProgress quiet(session.progress());
  for (std::size_t first = 0; first < texts.size();) {
    if (session.progress() != nullptr) session.progress()->update("reference", first, texts.size());
    RunRequest pass;
    pass.captures = captures_of(points);
    pass.hidden_states = false;
    pass.logits = LogitRows::none;
    pass.progress = &quiet;
    std::size_t in_pass = 0;
    for (; first < texts.size() && (in_pass == 0 || in_pass + texts[first].ids.size() <= kRowsPerPass); ++first) {
      in_pass += texts[first].ids.size();
      pass.sequences.push_back(texts[first].ids);
    }
    if (of == MeanOf::last_positions) {
      std::vector<std::size_t> last;
      for (std::size_t end = 0; const TokenIds& ids : pass.sequences) last.push_back((end += ids.size()) - 1);
      for (Capture& capture : pass.captures) capture.rows = last;
    }
    rows += of == MeanOf::last_positions ? pass.sequences.size() : in_pass;
    const auto keep = [&](const auto& run) {
      for (const auto& [point, value] : run.captured) add_rows(value, means[point]);
    };
    if (session.precision() == Precision::fp64)
      keep(session.model().run_reference(pass));
    else
      keep(session.model().run(pass));
  }
  for (auto& [point, sums] : means)
    for (double& sum : sums) sum /= static_cast<double>(rows);
  return means;
}

}  // namespace stratoscope
