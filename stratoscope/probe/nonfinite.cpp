#include "stratoscope/probe/nonfinite.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "stratoscope/ops/finite.h"

namespace stratoscope {
namespace {

// One stage of a pass: one block with everything before it, or everything after the last block.
struct Stage {
  std::vector<HookPoint> points;
  std::optional<std::size_t> stop_at;  // nullopt: to the end
};

std::vector<Stage> stages_of(const RunRequest& request, const ModelConfig& config) {
  std::vector<Stage> stages;
  const std::size_t first = request.start ? request.start->block : 0,
                    last = request.stop_at.value_or(config.n_layers());
  const auto points = all_hook_points(config);
  const auto take = [&](Stage& stage, const auto& belongs) {
    std::copy_if(points.begin(), points.end(), std::back_inserter(stage.points), belongs);
  };
  for (std::size_t layer = first; layer < last; ++layer) {
    Stage& stage = stages.emplace_back(Stage{{}, layer + 1});
    take(stage, [&](HookPoint point) {
      const Scope scope = info_of(point.hook).scope;
      return scope == Scope::block ? point.layer == layer
                                   : scope == Scope::before_blocks && layer == 0 && !request.start;
    });
  }
  if (!request.stop_at)
    take(stages.emplace_back(), [](HookPoint point) { return info_of(point.hook).scope == Scope::after_blocks; });
  return stages;
}

// The smallest row with a number that is not finite in `edited` and finite in `clean`.
template <class T>
std::optional<std::size_t> first_row(HookPoint point, const BasicTensor<T>& clean, const BasicTensor<T>& edited) {
  const std::size_t axis = info_of(point.hook).axes[0] == HookAxis::pos ? 0 : 1;
  const std::size_t rows = edited.shape()[axis];
  std::size_t inner = 1;
  for (std::size_t a = axis + 1; a < edited.shape().size(); ++a) inner *= edited.shape()[a];
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < edited.size(); ++i) {
    if (std::isfinite(edited.data()[i]) || !std::isfinite(clean.data()[i])) continue;
    const std::size_t row = i / inner % rows;
    if (!first || row < *first) first = row;
  }
  return first;
}

template <class T, class RunModel>
std::optional<NonfinitePlace> find(const RunRequest& request, const ModelConfig& config, const RunModel& run_model) {
  std::shared_ptr<const Start> clean_start = request.start, edited_start = request.start;
  for (const Stage& stage : stages_of(request, config)) {
    RunRequest pass;
    pass.sequences = request.sequences;
    pass.captures = captures_of(stage.points);
    pass.hidden_states = false;
    pass.logits = LogitRows::none;
    pass.stop_at = stage.stop_at;
    pass.start = clean_start;
    const Run<T> clean = run_model(pass);
    pass.start = edited_start;
    for (const HookEdit& edit : request.edits)
      if (std::find(stage.points.begin(), stage.points.end(), edit.at) != stage.points.end())
        pass.edits.push_back(edit);
    const Run<T> edited = run_model(pass);
    for (const HookPoint point : stage.points) {
      const auto row = first_row(point, clean.value(point), edited.value(point));
      if (!row) continue;
      const auto text = std::upper_bound(edited.row_offsets.begin(), edited.row_offsets.end(), *row) - 1;
      return NonfinitePlace{point, static_cast<std::size_t>(text - edited.row_offsets.begin()), *row - *text};
    }
    if (!stage.stop_at) break;
    clean_start = start_from(*stage.stop_at, std::as_const(clean.residual).matrix());
    edited_start = start_from(*stage.stop_at, std::as_const(edited.residual).matrix());
  }
  return std::nullopt;
}

template <class T>
bool any_nonfinite(const BasicTensor<T>& tensor) {
  using Bits = std::conditional_t<sizeof(T) == sizeof(float), std::uint32_t, std::uint64_t>;
  return has_full_exponent(std::as_bytes(tensor.values()), std::bit_cast<Bits>(std::numeric_limits<T>::infinity()));
}

}  // namespace

std::string describe(const NonfinitePlace& place, std::size_t texts) {
  return name_of(place.at) + (texts > 1 ? ", text " + std::to_string(place.sequence + 1) : "") + ", position " +
         std::to_string(place.position);
}

template <class T>
bool has_nonfinite(const Run<T>& run) {
  if (any_nonfinite(run.hidden_states) || any_nonfinite(run.logits) || any_nonfinite(run.residual)) return true;
  return std::any_of(run.captured.begin(), run.captured.end(), [](const auto& captured) {
    const auto& [point, value] = captured;
    if (point.hook != Hook::attn_scores) return any_nonfinite(value);
    return std::any_of(value.data(), value.data() + value.size(),
                       [](T x) { return !std::isfinite(x) && !(std::isinf(x) && x < 0); });
  });
}

template bool has_nonfinite(const Run<float>&);
template bool has_nonfinite(const Run<double>&);

std::optional<NonfinitePlace> first_nonfinite(const Model& model, const RunRequest& request) {
  if (model.precision() == Precision::fp64)
    return find<double>(request, model.config(), [&](const RunRequest& r) { return model.run_reference(r); });
  return find<float>(request, model.config(), [&](const RunRequest& r) { return model.run(r); });
}

}  // namespace stratoscope
