#include "stratoscope/model/pass/hooks.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include "stratoscope/model/kv_cache.h"

namespace stratoscope {
namespace {

// By block, and within one in the table's order.
bool fires_before(HookPoint a, HookPoint b) {
  const auto order = [](HookPoint point) { return std::tuple(info_of(point.hook).scope, point.layer, point.hook); };
  return order(a) < order(b);
}

void check_point(HookPoint point, const ModelConfig& config, const RunRequest& request) {
  const Scope scope = info_of(point.hook).scope;
  check_exists(point, config, "run");
  const bool before_start =
      request.start && (scope == Scope::before_blocks || (scope == Scope::block && point.layer < request.start->block));
  const bool after_stop =
      request.stop_at && (scope == Scope::after_blocks || (scope == Scope::block && point.layer >= *request.stop_at));
  if (before_start)
    throw Error("run",
                name_of(point) + " is never computed: the run starts at block " + std::to_string(request.start->block));
  if (after_stop)
    throw Error("run",
                name_of(point) + " is never computed: the run stops at block " + std::to_string(*request.stop_at));
}

void check_indices(const std::optional<std::vector<std::size_t>>& indices, std::size_t count, const std::string& what,
                   HookPoint point) {
  if (!indices) return;
  for (std::size_t i = 0; i < indices->size(); ++i)
    if ((*indices)[i] >= count || (i > 0 && (*indices)[i] <= (*indices)[i - 1]))
      throw Error("capture",
                  name_of(point) + ": the " + what + "s to capture must ascend, each below " + std::to_string(count));
}

std::vector<std::size_t> chosen_of(const std::optional<std::vector<std::size_t>>& chosen, std::size_t count) {
  if (chosen) return *chosen;
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

std::vector<std::optional<std::size_t>> places(const std::optional<std::vector<std::size_t>>& chosen,
                                               std::size_t count) {
  std::vector<std::optional<std::size_t>> place(count);
  const auto indices = chosen_of(chosen, count);
  for (std::size_t i = 0; i < indices.size(); ++i) place[indices[i]] = i;
  return place;
}

}  // namespace

void check_exists(HookPoint point, const ModelConfig& config, const char* who) {
  if (exists(point, config)) return;
  const bool in_block = info_of(point.hook).scope == Scope::block;
  const std::string blocks = std::to_string(config.n_layers()) + " blocks";
  if (in_block ? point.layer >= config.n_layers() : point.layer != 0)
    throw Error(who, name_of(point) + " does not exist in a model of " + blocks);
  throw Error(who, name_of(point) + " does not exist in this " + config.title + ": " + why_missing(point, config),
              "'stratoscope info' lists those that do");
}

std::vector<Capture> captures_of(std::span<const HookPoint> points) {
  std::vector<Capture> captures;
  captures.reserve(points.size());
  for (const HookPoint point : points) captures.push_back({point, std::nullopt, std::nullopt});
  return captures;
}

template <class T>
BasicTensor<T> capture_tensor(HookPoint point, const ModelConfig& config, std::size_t rows, std::size_t heads,
                              std::size_t longest) {
  const auto axes = axes_of(point, config);
  Shape shape = shape_of(point, config, rows);
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (axes[axis] == HookAxis::head) shape[axis] = heads;
    if (axes[axis] == HookAxis::key) shape[axis] = longest;
  }
  BasicTensor<T> tensor(shape);
  if (!info_of(point.hook).has_axis(HookAxis::key)) return tensor;
  const T unseen = point.hook == Hook::attn_scores ? -std::numeric_limits<T>::infinity() : T{0};
  std::fill_n(tensor.data(), tensor.size(), unseen);
  return tensor;
}

template BasicTensor<float> capture_tensor(HookPoint, const ModelConfig&, std::size_t, std::size_t, std::size_t);
template BasicTensor<double> capture_tensor(HookPoint, const ModelConfig&, std::size_t, std::size_t, std::size_t);

template <class T>
KeyRows<T>::KeyRows(const Capture& capture, std::size_t rows, std::size_t n_heads, BasicTensor<T>& out)
    : place_of_row_(places(capture.rows, rows)), place_of_head_(places(capture.heads, n_heads)), out_(out) {}

template <class T>
void KeyRows<T>::write(std::size_t head, std::size_t row, std::span<const T> seen) {
  if (!place_of_head_[head] || !place_of_row_[row]) return;
  const Shape& shape = out_.shape();  // [head, pos, key]
  T* place = out_.data() + (*place_of_head_[head] * shape[1] + *place_of_row_[row]) * shape[2];
  std::copy(seen.begin(), seen.end(), place);
}

template <class T>
Hooks<T>::Hooks(const ModelConfig& config, const RunRequest& request, Run<T>& run)
    : config_(config), request_(request), run_(run) {
  std::size_t longest = 0;
  for (std::size_t s = 0; s < run.sequences(); ++s)
    longest = std::max(longest, first_position(s) + run.row_offsets[s + 1] - run.row_offsets[s]);
  run.captured.reserve(request.captures.size());  // captures_ refers to its tensors
  std::vector<const Capture*> in_firing_order;
  for (const Capture& capture : request.captures) in_firing_order.push_back(&capture);
  std::stable_sort(in_firing_order.begin(), in_firing_order.end(),
                   [](const Capture* a, const Capture* b) { return fires_before(a->at, b->at); });
  for (const Capture* capture : in_firing_order) add_capture(*capture, longest);
  for (std::size_t i = 0; i < request.edits.size(); ++i) {
    const HookEdit& edit = request.edits[i];
    check_point(edit.at, config, request);
    if (edit.sequence >= request.sequences.size())
      throw Error("edit", "sequence " + std::to_string(edit.sequence) + " is not among the " +
                              std::to_string(request.sequences.size()) + " of the request");
    if (!edit.edit) throw Error("edit", name_of(edit.at) + " has no edit to apply");
    edits_[edit.at].push_back(i);
    fired_[edit.at] = false;
  }
}

template <class T>
void Hooks<T>::add_capture(const Capture& capture, std::size_t longest) {
  const HookPoint point = capture.at;
  check_point(point, config_, request_);
  if (capture.heads && !has_axis(point, HookAxis::head, config_))
    throw Error("capture", name_of(point) + " has no heads");
  check_indices(capture.rows, run_.rows(), "row", point);
  check_indices(capture.heads, heads_of(point, config_), "head", point);
  if (const auto known = captures_.find(point); known != captures_.end()) {
    if (known->second.capture.rows == capture.rows && known->second.capture.heads == capture.heads) return;
    throw Error("capture", name_of(point) + " is captured twice, with different rows or heads",
                "name all of them in one capture");
  }
  const std::size_t rows = capture.rows ? capture.rows->size() : run_.rows();
  const std::size_t heads = capture.heads ? capture.heads->size() : heads_of(point, config_);
  auto& out = run_.captured.emplace_back(point, capture_tensor<T>(point, config_, rows, heads, longest)).second;
  std::optional<KeyRows<T>> key_rows;
  if (has_axis(point, HookAxis::key, config_)) key_rows.emplace(capture, run_.rows(), heads_of(point, config_), out);
  captures_.emplace(point, Captured{capture, out, std::move(key_rows)});
}

template <class T>
bool Hooks<T>::edits(HookPoint point, std::size_t sequence) const {
  const auto found = edits_.find(point);
  return found != edits_.end() && std::any_of(found->second.begin(), found->second.end(), [&](std::size_t index) {
           return request_.edits[index].sequence == sequence;
         });
}

template <class T>
std::size_t Hooks<T>::first_position(std::size_t sequence) const {
  return request_.cache == nullptr ? 0 : request_.cache->length(sequence);
}

template <class T>
HookValue<T> Hooks<T>::value_of(HookPoint point, MatrixView<T> rows, std::size_t sequence) const {
  const std::size_t first = run_.row_offsets[sequence], count = run_.row_offsets[sequence + 1] - first;
  const Shape shape = shape_of(point, config_, count);
  const std::size_t middle = shape.size() == 3 ? shape[1] : 1;
  return {rows.row(first), {count, middle, shape.back()}, {rows.stride, shape.back(), 1}, first_position(sequence)};
}

template <class T>
void Hooks<T>::fire(HookPoint point, MatrixView<T> rows) {
  if (edits_.contains(point))
    for (std::size_t s = 0; s < run_.sequences(); ++s) edit(point, s, value_of(point, rows, s));
  if (const auto found = captures_.find(point); found != captures_.end()) copy(rows, found->second);
}

template <class T>
void Hooks<T>::edit(HookPoint point, std::size_t sequence, const HookValue<T>& value) {
  const auto found = edits_.find(point);
  if (found == edits_.end()) return;
  for (const std::size_t index : found->second) {
    const HookEdit& edit = request_.edits[index];
    if (edit.sequence == sequence) edit.edit->apply(value);
  }
  fired_[point] = true;
}

template <class T>
KeyRows<T>* Hooks<T>::key_rows(HookPoint point) {
  const auto found = captures_.find(point);
  return found == captures_.end() ? nullptr : &*found->second.key_rows;
}

template <class T>
void Hooks<T>::copy(MatrixView<const T> rows, Captured& captured) const {
  const Capture& capture = captured.capture;
  const std::size_t heads = heads_of(capture.at, config_);
  const std::size_t width = rows.cols / heads;
  const auto chosen_heads = chosen_of(capture.heads, heads);
  T* out = captured.out.data();
  for (const std::size_t r : chosen_of(capture.rows, rows.rows)) {
    if (chosen_heads.size() == heads)
      out = std::copy_n(rows.row(r), rows.cols, out);
    else
      for (const std::size_t head : chosen_heads) out = std::copy_n(rows.row(r) + head * width, width, out);
  }
}

template <class T>
void Hooks<T>::check_that_all_fired() const {
  for (const auto& [point, fired] : fired_)
    if (!fired) throw Error("edit", "the edit of " + name_of(point) + " never acted");
}

template class KeyRows<float>;
template class KeyRows<double>;
template class Hooks<float>;
template class Hooks<double>;

}  // namespace stratoscope
