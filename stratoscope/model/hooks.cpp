#include "stratoscope/model/hooks.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace stratoscope {
namespace {

// In firing order, each once: block by block, and within one in the table's order.
std::vector<Site> in_firing_order(std::vector<Site> sites) {
  const auto order = [](Site site) { return std::tuple(hook_point(site.point).scope, site.layer, site.point); };
  std::sort(sites.begin(), sites.end(), [&](Site a, Site b) { return order(a) < order(b); });
  sites.erase(std::unique(sites.begin(), sites.end()), sites.end());
  return sites;
}

void check_site(Site site, const ModelConfig& config) {
  if (hook_point(site.point).scope == Scope::block ? site.layer >= config.n_layers : site.layer != 0)
    throw Error("run", name_of(site) + " does not exist in a model of " + std::to_string(config.n_layers) + " blocks");
}

std::size_t longest_of(const std::vector<std::size_t>& row_offsets) {
  std::size_t longest = 0;
  for (std::size_t s = 0; s + 1 < row_offsets.size(); ++s)
    longest = std::max(longest, row_offsets[s + 1] - row_offsets[s]);
  return longest;
}

}  // namespace

template <class T>
BasicTensor<T> capture_tensor(Site site, const ModelConfig& config, std::size_t rows, std::size_t longest) {
  Shape shape = shape_of(site, config, rows);
  if (!hook_point(site.point).has_axis(HookAxis::key)) return BasicTensor<T>(shape);
  shape.back() = longest;
  BasicTensor<T> tensor(shape);
  const T unseen = site.point == Point::attn_scores ? -std::numeric_limits<T>::infinity() : T{0};
  std::fill_n(tensor.data(), tensor.size(), unseen);
  return tensor;
}

template BasicTensor<float> capture_tensor(Site, const ModelConfig&, std::size_t, std::size_t);
template BasicTensor<double> capture_tensor(Site, const ModelConfig&, std::size_t, std::size_t);

template <class T>
Hooks<T>::Hooks(const ModelConfig& config, const RunRequest& request, Run<T>& run)
    : config_(config), request_(request), run_(run) {
  const std::size_t longest = longest_of(run.row_offsets);
  for (const Site site : in_firing_order(request.captures)) {
    check_site(site, config);
    captures_[site] = run.captured.size();
    run.captured.emplace_back(site, capture_tensor<T>(site, config, run.rows(), longest));
  }
  for (std::size_t i = 0; i < request.edits.size(); ++i) {
    const SiteEdit& edit = request.edits[i];
    check_site(edit.site, config);
    if (!hook_point(edit.site.point).editable)
      throw Error("edit", name_of(edit.site) + " cannot be edited in this version",
                  "hook_resid_pre, hook_resid_mid, hook_resid_post, hook_attn_out and hook_mlp_out can");
    if (edit.sequence >= request.sequences.size())
      throw Error("edit", "sequence " + std::to_string(edit.sequence) + " is not among the " +
                              std::to_string(request.sequences.size()) + " of the request");
    edits_[edit.site].push_back(i);
    fired_[edit.site] = false;
  }
}

template <class T>
HookValue<T> Hooks<T>::value_of(Site site, MatrixView<T> rows, std::size_t sequence) const {
  const std::size_t first = run_.row_offsets[sequence], count = run_.row_offsets[sequence + 1] - first;
  const Shape shape = shape_of(site, config_, count);
  const std::size_t middle = shape.size() == 3 ? shape[1] : 1;
  return {rows.row(first), {count, middle, shape.back()}, {rows.stride, shape.back(), 1}};
}

template <class T>
void Hooks<T>::fire(Site site, MatrixView<T> rows) {
  if (const auto found = edits_.find(site); found != edits_.end()) {
    for (const std::size_t index : found->second) {
      const SiteEdit& edit = request_.edits[index];
      edit.edit->apply(value_of(site, rows, edit.sequence));
    }
    fired_[site] = true;
  }
  if (const auto found = captures_.find(site); found != captures_.end()) {
    T* out = run_.captured[found->second].second.data();
    for (std::size_t r = 0; r < rows.rows; ++r) std::copy_n(rows.row(r), rows.cols, out + r * rows.cols);
  }
}

template <class T>
BasicTensor<T>* Hooks<T>::destination(Site site) {
  const auto found = captures_.find(site);
  return found == captures_.end() ? nullptr : &run_.captured[found->second].second;
}

template <class T>
void Hooks<T>::check_that_all_fired() const {
  for (const auto& [site, fired] : fired_)
    if (!fired) throw Error("edit", "the edit of " + name_of(site) + " never acted");
}

template class Hooks<float>;
template class Hooks<double>;

}  // namespace stratoscope
