#include "stratoscope/model/pass/head_results.h"

#include <algorithm>

namespace stratoscope {
HeadResults::HeadResults(const Checkpoint& checkpoint, const ModelConfig& config, std::size_t layer)
    : d_head_(config.blocks[layer].attention.d_head),
      d_model_(config.d_model),
      bias_(checkpoint.read_bias<float>(Role::o, layer)) {
  const Tensor w_o = checkpoint.read_matrix<float>(Role::o, layer);
  const std::size_t heads = config.blocks[layer].attention.heads;
  heads_.reserve(heads);
  for (std::size_t head = 0; head < heads; ++head)
    heads_.emplace_back(w_o.data() + head * d_head_ * d_model_, d_head_, d_model_, WeightLayout::in_out, nullptr);
}

Tensor HeadResults::of(MatrixView<const float> z) const {
  Tensor results({z.rows, heads_.size() * d_model_});
  for (std::size_t head = 0; head < heads_.size(); ++head)
    heads_[head].multiply(z.cols_from(head * d_head_, d_head_), results.matrix().cols_from(head * d_model_, d_model_));
  return results;
}

void HeadResults::sum(std::span<const float> results, float* attn_out) const {
  std::copy_n(bias_.data(), d_model_, attn_out);
  for (std::size_t i = 0; i < results.size(); ++i) attn_out[i % d_model_] += results[i];
}

}  // namespace stratoscope
