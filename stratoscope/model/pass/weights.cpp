#include "stratoscope/model/pass/weights.h"

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/memory.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/families/tensor_roles.h"
#include "stratoscope/ops/finite.h"

namespace stratoscope {
namespace {

NormWeights load_norm(const Checkpoint& checkpoint, const NormSpec& spec, Role role, std::size_t layer = 0) {
  if (!spec.exists()) return {};
  auto norm = checkpoint.read_norm<float>(role, layer);
  return {std::move(norm.weight), std::move(norm.bias)};
}

constexpr std::uint32_t kFloatExponent = 0x7f800000;

// Directly from the file if the numbers are stored there as floats, otherwise converted piece by piece.
PackedMatrix packed(const Checkpoint& checkpoint, std::span<const Role> roles, std::size_t layer, const float* bias,
                    Arithmetic arithmetic, std::atomic<bool>& finite) {
  PackedMatrix matrix;
  if (checkpoint.lie_as_lent(roles, layer)) {
    checkpoint.lend(roles, layer, [&](const Checkpoint::LentMatrix& lent) {
      if (!lent.finite) finite = false;
      matrix = PackedMatrix(lent.numbers, lent.in, lent.out, lent.layout, bias, arithmetic);
    });
    return matrix;
  }
  const Checkpoint::LentColumns lent = checkpoint.columns_of(roles, layer);
  const auto columns = [&](std::size_t first, std::size_t count, float* numbers) {
    lent.copy(first, count, numbers);
    if (has_full_exponent(std::as_bytes(std::span<const float>(numbers, count * lent.in)), kFloatExponent))
      finite = false;
  };
  return {columns, lent.in, lent.out, bias, arithmetic};
}

// Matrices with the same input are concatenated to one, side by side.
PackedMatrix load_matrix(const Checkpoint& checkpoint, std::span<const Role> roles, std::size_t layer,
                         Arithmetic arithmetic, std::atomic<bool>& finite) {
  std::vector<float> bias;
  for (const Role role : roles) {
    const Tensor part = checkpoint.read_bias<float>(role, layer);
    bias.insert(bias.end(), part.values().begin(), part.values().end());
  }
  return packed(checkpoint, roles, layer, bias.data(), arithmetic, finite);
}

BlockWeights load_block(const Checkpoint& checkpoint, const BlockSpec& spec, std::size_t layer, Arithmetic arithmetic,
                        std::atomic<bool>& finite) {
  const auto matrix = [&](std::initializer_list<Role> roles) {
    return load_matrix(checkpoint, std::span(roles.begin(), roles.size()), layer, arithmetic, finite);
  };
  return {.ln1 = load_norm(checkpoint, spec.ln1, Role::ln1, layer),
          .q_norm = load_norm(checkpoint, spec.q_norm, Role::q_norm, layer),
          .k_norm = load_norm(checkpoint, spec.k_norm, Role::k_norm, layer),
          .ln1_post = load_norm(checkpoint, spec.ln1_post, Role::ln1_post, layer),
          .ln2 = spec.shared_norm ? NormWeights() : load_norm(checkpoint, spec.ln2, Role::ln2, layer),
          .ln2_post = load_norm(checkpoint, spec.ln2_post, Role::ln2_post, layer),
          .qkv = matrix({Role::q, Role::k, Role::v}),
          .o = matrix({Role::o}),
          .mlp_in = spec.mlp.gated ? matrix({Role::gate, Role::up}) : matrix({Role::up}),
          .down = matrix({Role::down})};
}

PackedMatrix load_unembedding(const Checkpoint& checkpoint, const ModelConfig& config, Arithmetic arithmetic,
                              std::atomic<bool>& finite) {
  const Tensor bias = config.unembed_bias ? checkpoint.read_bias<float>(Role::unembed) : Tensor();
  const Role role = Role::unembed;
  return packed(checkpoint, {&role, 1}, 0, config.unembed_bias ? bias.data() : nullptr, arithmetic, finite);
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
  const auto of_norm = [](const NormWeights& norm) { return (norm.weight.size() + norm.bias.size()) * sizeof(float); };
  std::size_t total = unembed.bytes() + of_norm(embed_norm) + of_norm(ln_final);
  for (const BlockWeights& block : blocks) {
    for (const PackedMatrix* matrix : {&block.qkv, &block.o, &block.mlp_in, &block.down}) total += matrix->bytes();
    for (const NormWeights* norm :
         {&block.ln1, &block.q_norm, &block.k_norm, &block.ln1_post, &block.ln2, &block.ln2_post})
      total += of_norm(*norm);
  }
  return total;
}

namespace {

// An error before any allocation: otherwise the system would kill the process while it loads.
void check_memory(const ModelConfig& config, Arithmetic arithmetic) {
  const auto [whole, rounded] = weight_memory(config);
  const std::size_t needed = arithmetic == Arithmetic::bf16 ? rounded : whole;
  const auto available = available_memory();
  if (!available || needed <= *available) return;
  throw Error("model",
              "the weights take " + memory_text(needed) + " in " + (arithmetic == Arithmetic::bf16 ? "bf16" : "fp32") +
                  ", but " + memory_text(*available) + " of memory are free",
              rounded <= *available ? "in bf16 they take " + memory_text(rounded) + ": --precision bf16"
                                    : "take a smaller model or a larger machine");
}

}  // namespace

Weights load_weights(const Checkpoint& checkpoint, const ModelConfig& config, Arithmetic arithmetic,
                     Progress* progress) {
  check_memory(config, arithmetic);
  Weights weights;
  weights.blocks.resize(config.n_layers());
  // The unembedding is the largest task: it starts first, and the blocks occupy the other threads.
  std::mutex mutex;
  std::atomic<bool> finite = true;
  std::size_t done = 0;
  parallel_for(config.n_layers() + 1, [&](std::size_t i) {
    if (progress != nullptr) {
      const std::lock_guard lock(mutex);
      progress->throw_if_cancelled();
      progress->update("loading", done++, config.n_layers() + 1);
    }
    if (i == 0)
      weights.unembed = load_unembedding(checkpoint, config, arithmetic, finite);
    else
      weights.blocks[i - 1] = load_block(checkpoint, config.blocks[i - 1], i - 1, arithmetic, finite);
  });
  weights.embed_norm = load_norm(checkpoint, config.embed_norm, Role::embed_norm);
  weights.matrices_are_finite = finite;
  weights.ln_final = load_norm(checkpoint, config.ln_final, Role::ln_final);
  return weights;
}

}  // namespace stratoscope
