#include "stratoscope/model/weights.h"

#include <mutex>
#include <string>

#include "stratoscope/base/threads.h"

namespace stratoscope {
namespace {

NormWeights load_norm(const Checkpoint& checkpoint, const std::string& name) {
  return {checkpoint.read<float>(name + ".weight"), checkpoint.read<float>(name + ".bias")};
}

// GPT-2 stores its matrices [in, out].
PackedMatrix load_matrix(const Checkpoint& checkpoint, const std::string& name, Arithmetic arithmetic) {
  const Shape& shape = checkpoint.at(name + ".weight").shape;
  const Tensor bias = checkpoint.read<float>(name + ".bias");
  PackedMatrix packed;
  checkpoint.lend(name + ".weight", [&](const float* weight) {
    packed = PackedMatrix(weight, shape[0], shape[1], WeightLayout::in_out, bias.data(), arithmetic);
  });
  return packed;
}

BlockWeights load_block(const Checkpoint& checkpoint, std::size_t layer, Arithmetic arithmetic) {
  const std::string block = "h." + std::to_string(layer) + ".";
  return {load_norm(checkpoint, block + "ln_1"),
          load_norm(checkpoint, block + "ln_2"),
          load_matrix(checkpoint, block + "attn.c_attn", arithmetic),
          load_matrix(checkpoint, block + "attn.c_proj", arithmetic),
          load_matrix(checkpoint, block + "mlp.c_fc", arithmetic),
          load_matrix(checkpoint, block + "mlp.c_proj", arithmetic)};
}

PackedMatrix load_unembedding(const Checkpoint& checkpoint, Arithmetic arithmetic) {
  const Shape& shape = checkpoint.at(checkpoint.unembedding()).shape;
  PackedMatrix packed;
  checkpoint.lend(checkpoint.unembedding(), [&](const float* table) {
    packed = PackedMatrix(table, shape[1], shape[0], WeightLayout::out_in, nullptr, arithmetic);
  });
  return packed;
}

}  // namespace

std::optional<Arithmetic> arithmetic_of(Precision precision) {
  switch (precision) {
    case Precision::fp32: return Arithmetic::fp32;
    case Precision::bf16: return Arithmetic::bf16;
    case Precision::fp64: break;
  }
  return std::nullopt;
}

std::size_t Weights::bytes() const {
  std::size_t total = unembed.bytes() + (ln_final.weight.size() + ln_final.bias.size()) * sizeof(float);
  for (const BlockWeights& block : blocks) {
    for (const PackedMatrix* matrix : {&block.qkv, &block.attn_out, &block.mlp_in, &block.mlp_out})
      total += matrix->bytes();
    for (const NormWeights* norm : {&block.ln1, &block.ln2})
      total += (norm->weight.size() + norm->bias.size()) * sizeof(float);
  }
  return total;
}

Weights load_weights(const Checkpoint& checkpoint, const ModelConfig& config, Arithmetic arithmetic,
                     Progress* progress) {
  Weights weights;
  weights.blocks.resize(config.n_layers);
  // The unembedding is the largest piece of work: it goes first, the blocks fill the other threads.
  std::mutex mutex;
  std::size_t done = 0;
  parallel_for(config.n_layers + 1, [&](std::size_t i) {
    if (progress != nullptr) {
      const std::lock_guard lock(mutex);
      progress->throw_if_cancelled();
      progress->update("loading", done++, config.n_layers + 1);
    }
    if (i == 0)
      weights.unembed = load_unembedding(checkpoint, arithmetic);
    else
      weights.blocks[i - 1] = load_block(checkpoint, i - 1, arithmetic);
  });
  weights.ln_final = load_norm(checkpoint, "ln_f");
  return weights;
}

}  // namespace stratoscope
