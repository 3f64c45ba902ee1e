// Small GPT-2 checkpoints with seeded random weights, in a folder that is removed after the test.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/families/families.h"
#include "stratoscope/files/safetensors.h"
#include "tests/base/temporary_folder.h"

namespace stratoscope::test {

// The same numbers on every machine: 64-bit SplitMix (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // In [0, n).
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(bits() % n); }
  // Between -1 and 1.
  float unit() { return static_cast<float>(static_cast<double>(bits() >> 40) / 8388608.0 - 1.0); }
  std::vector<float> units(std::size_t count, float scale = 1) {
    std::vector<float> values(count);
    for (float& value : values) value = scale * unit();
    return values;
  }

 private:
  std::uint64_t state_;
};

struct Sizes {
  std::size_t n_layers = 2, n_heads = 3, d_model = 24, d_mlp = 40, n_ctx = 48, d_vocab = 67;
};

inline nlohmann::json config_of(const Sizes& s) {
  return {{"model_type", "gpt2"}, {"n_layer", s.n_layers},  {"n_head", s.n_heads},    {"n_embd", s.d_model},
          {"n_inner", s.d_mlp},   {"n_positions", s.n_ctx}, {"vocab_size", s.d_vocab}};
}

// The description of the same model.
inline ModelConfig described(const Sizes& s) { return parse_model_config(config_of(s).dump(), "config.json"); }

struct TestTensor {
  Shape shape;
  std::vector<float> values;
};
using TestTensors = std::map<std::string, TestTensor>;

inline TestTensors random_tensors(const Sizes& s, std::uint64_t seed = 1) {
  Random random(seed);
  TestTensors tensors;
  const auto add = [&](const std::string& name, Shape shape, float scale, float centre = 0) {
    auto values = random.units(element_count(shape), scale);
    for (float& value : values) value += centre;
    tensors[name] = {std::move(shape), std::move(values)};
  };
  const auto norm = [&](const std::string& name) {
    add(name + ".weight", {s.d_model}, 0.5F, 1);
    add(name + ".bias", {s.d_model}, 0.2F);
  };
  const auto linear = [&](const std::string& name, std::size_t in, std::size_t out) {
    add(name + ".weight", {in, out}, 2 / std::sqrt(static_cast<float>(in)));
    add(name + ".bias", {out}, 0.2F);
  };
  add("wte.weight", {s.d_vocab, s.d_model}, 1);
  add("wpe.weight", {s.n_ctx, s.d_model}, 0.3F);
  for (std::size_t layer = 0; layer < s.n_layers; ++layer) {
    const std::string block = "h." + std::to_string(layer) + ".";
    norm(block + "ln_1");
    linear(block + "attn.c_attn", s.d_model, 3 * s.d_model);
    linear(block + "attn.c_proj", s.d_model, s.d_model);
    norm(block + "ln_2");
    linear(block + "mlp.c_fc", s.d_model, s.d_mlp);
    linear(block + "mlp.c_proj", s.d_mlp, s.d_model);
  }
  norm("ln_f");
  return tensors;
}

inline void write_tensors(const std::filesystem::path& path, const TestTensors& tensors) {
  std::vector<ArrayView> views;
  for (const auto& [name, tensor] : tensors)
    views.push_back(array_view(name, std::span<const float>(tensor.values), tensor.shape));
  write_safetensors(path, views);
}

class TestModelFolder : public stratoscope::testing::TemporaryFolder {
 public:
  explicit TestModelFolder(const Sizes& sizes = {}, std::uint64_t seed = 1)
      : TestModelFolder(config_of(sizes), random_tensors(sizes, seed)) {}
  TestModelFolder(const nlohmann::json& config, const TestTensors& tensors) { write(config, tensors); }
  void write(const nlohmann::json& config, const TestTensors& tensors) const {
    file("config.json", config.dump());
    write_tensors(*this / "model.safetensors", tensors);
  }
};

inline std::vector<std::int32_t> random_ids(Random& random, std::size_t count, std::size_t vocabulary) {
  std::vector<std::int32_t> ids(count);
  for (auto& id : ids) id = static_cast<std::int32_t>(random.below(vocabulary));
  return ids;
}

}  // namespace stratoscope::test
