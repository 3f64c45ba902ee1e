#include "stratoscope/model/head_results.h"

#include <algorithm>
#include <string>

namespace stratoscope {
namespace {

std::string projection_of(std::size_t layer) { return "h." + std::to_string(layer) + ".attn.c_proj"; }

}  // namespace

HeadResults::HeadResults(const Checkpoint& checkpoint, const ModelConfig& config, std::size_t layer)
    : d_head_(config.d_head), d_model_(config.d_model), bias_(checkpoint.read<float>(projection_of(layer) + ".bias")) {
  const Tensor w_o = checkpoint.read<float>(projection_of(layer) + ".weight");
  heads_.reserve(config.n_heads);
  for (std::size_t head = 0; head < config.n_heads; ++head)
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
