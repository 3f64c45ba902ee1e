#include "stratoscope/families/tensor_roles.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string_view>

namespace stratoscope {
namespace {

constexpr auto kWhole = std::numeric_limits<std::size_t>::max();

constexpr std::string_view kHole = "{}";

std::string filled(std::string name, std::size_t number) {
  const std::size_t hole = name.find(kHole);
  return hole == std::string::npos ? name : name.replace(hole, kHole.size(), std::to_string(number));
}

const std::string& name_of(Role role, const TensorNames& names) {
  switch (role) {
    case Role::embed: return names.embed;
    case Role::pos_embed: return names.pos_embed;
    case Role::embed_norm: return names.embed_norm;
    case Role::ln1: return names.ln1;
    case Role::q: return names.q;
    case Role::k: return names.qkv == QkvStorage::apart ? names.k : names.q;
    case Role::v: return names.qkv == QkvStorage::apart ? names.v : names.q;
    case Role::q_norm: return names.q_norm;
    case Role::k_norm: return names.k_norm;
    case Role::o: return names.o;
    case Role::ln1_post: return names.ln1_post;
    case Role::ln2: return names.ln2;
    case Role::gate: return names.gate;
    case Role::up: return names.gate_with_up ? names.gate : names.up;
    case Role::down: return names.down;
    case Role::ln2_post: return names.ln2_post;
    case Role::ln_final: return names.ln_final;
    case Role::unembed: return names.unembed;
  }
  return names.embed;
}

// Queries are part 0, keys 1, values 2.
StoredMatrix projection(std::size_t part, const ModelConfig& config, const AttentionSpec& attention) {
  StoredMatrix matrix;
  matrix.in = config.d_model;
  matrix.out = matrix.stored_out = part == 0 ? attention.queries_width() : attention.keys_width();
  matrix.run = matrix.stride = kWhole;
  matrix.bias = attention.qkv_bias;
  if (config.tensors.qkv == QkvStorage::apart) return matrix;
  matrix.stored_out = attention.qkv_width();
  if (config.tensors.qkv == QkvStorage::thirds) {
    if (part > 0) matrix.first = attention.queries_width() + (part - 1) * attention.keys_width();
  } else {
    matrix.first = part * attention.d_head;
    matrix.run = attention.d_head;
    matrix.stride = 3 * attention.d_head;
  }
  return matrix;
}

StoredMatrix shaped(Role role, const ModelConfig& config, std::size_t layer) {
  const auto whole = [](std::size_t in, std::size_t out, bool bias) {
    StoredMatrix matrix;
    matrix.in = in;
    matrix.out = matrix.stored_out = out;
    matrix.run = matrix.stride = kWhole;
    matrix.bias = bias;
    return matrix;
  };
  switch (role) {
    case Role::embed: return whole(config.d_model, config.d_vocab, false);
    case Role::unembed: return whole(config.d_model, config.d_vocab, config.unembed_bias);
    case Role::pos_embed: return whole(config.d_model, config.n_ctx + config.position_offset, false);
    default: break;
  }
  const BlockSpec& block = config.blocks[layer];
  const auto mlp_in = [&](std::size_t part) {
    StoredMatrix matrix = whole(config.d_model, block.mlp.width, block.mlp.bias);
    if (!config.tensors.gate_with_up) return matrix;
    matrix.stored_out = 2 * block.mlp.width;
    matrix.first = part * block.mlp.width;
    return matrix;
  };
  switch (role) {
    case Role::q: return projection(0, config, block.attention);
    case Role::k: return projection(1, config, block.attention);
    case Role::v: return projection(2, config, block.attention);
    case Role::o: return whole(block.attention.queries_width(), config.d_model, block.attention.out_bias);
    case Role::gate: return mlp_in(0);
    case Role::up: return block.mlp.gated ? mlp_in(1) : whole(config.d_model, block.mlp.width, block.mlp.bias);
    default: return whole(block.mlp.width, config.d_model, block.mlp.bias);
  }
}

bool is_in_block(Role role) {
  switch (role) {
    case Role::embed:
    case Role::pos_embed:
    case Role::embed_norm:
    case Role::ln_final:
    case Role::unembed: return false;
    default: return true;
  }
}

std::string full_name(Role role, const ModelConfig& config, std::size_t layer) {
  const std::string& name = name_of(role, config.tensors);
  return is_in_block(role) ? filled(config.tensors.block, layer) + name : name;
}

struct BlockPart {
  Role role;
  bool is_norm;
};

// In the order of the forward pass.
std::vector<BlockPart> parts_of(const BlockSpec& block) {
  std::vector<BlockPart> parts;
  const auto norm = [&](Role role, const NormSpec& spec) {
    if (spec.exists()) parts.push_back({role, true});
  };
  norm(Role::ln1, block.ln1);
  for (const Role role : {Role::q, Role::k, Role::v}) parts.push_back({role, false});
  norm(Role::q_norm, block.q_norm);
  norm(Role::k_norm, block.k_norm);
  parts.push_back({Role::o, false});
  norm(Role::ln1_post, block.ln1_post);
  if (!block.shared_norm) norm(Role::ln2, block.ln2);
  if (block.mlp.gated) parts.push_back({Role::gate, false});
  parts.push_back({Role::up, false});
  parts.push_back({Role::down, false});
  norm(Role::ln2_post, block.ln2_post);
  return parts;
}

// The part of a block's tensor name after the block's number; nullopt for other names.
std::optional<std::string> part_in_block(const std::string& name, const TensorNames& names) {
  const std::string_view pattern = names.block, before = pattern.substr(0, pattern.find(kHole));
  if (names.block.find(kHole) == std::string::npos || !name.starts_with(before)) return std::nullopt;
  const std::size_t dot = name.find('.', before.size());
  if (dot == std::string::npos) return "";
  return name.substr(dot + 1);
}

// Whether a name within a block is that of a part, for any head.
bool names_part(const std::string& name, const std::string& part) {
  const std::size_t hole = part.find(kHole);
  const std::string begin = part.substr(0, hole);
  if (part.empty() || !name.starts_with(begin)) return false;
  const bool is_vector = name.ends_with(".weight") || name.ends_with(".bias");
  return is_vector && (hole != std::string::npos || name.rfind('.') == begin.size());
}

}  // namespace

Shape StoredMatrix::shape() const {
  return layout == WeightLayout::in_out ? Shape{in, stored_out} : Shape{stored_out, in};
}

std::vector<std::string> StoredNorm::names() const {
  if (!spec.by_head || name.find(kHole) == std::string::npos) return {name};
  std::vector<std::string> names;
  for (std::size_t head = 0; head < repeats; ++head) names.push_back(filled(name, head));
  return names;
}

Shape StoredNorm::shape() const {
  return spec.by_head && name.find(kHole) == std::string::npos ? Shape{repeats, size} : Shape{size};
}

std::vector<Role> matrix_roles(const BlockSpec& block) {
  std::vector<Role> roles;
  for (const auto& [role, is_norm] : parts_of(block))
    if (!is_norm) roles.push_back(role);
  return roles;
}

WeightMemory weight_memory(const ModelConfig& config) {
  std::size_t numbers = config.d_model * config.d_vocab;
  for (std::size_t layer = 0; layer < config.n_layers(); ++layer)
    for (const Role role : matrix_roles(config.blocks[layer])) {
      const StoredMatrix matrix = stored_matrix(role, config, layer);
      numbers += matrix.in * matrix.out;
    }
  return {numbers * sizeof(float), numbers * sizeof(std::uint16_t)};
}

StoredMatrix stored_matrix(Role role, const ModelConfig& config, std::size_t layer) {
  StoredMatrix matrix = shaped(role, config, layer);
  matrix.name = full_name(role, config, layer);
  if (is_in_block(role)) matrix.layout = config.tensors.layout;
  return matrix;
}

StoredNorm stored_norm(Role role, const ModelConfig& config, std::size_t layer) {
  const std::string name = full_name(role, config, layer);
  if (role == Role::embed_norm) return {name, config.embed_norm, config.d_model, 1};
  if (role == Role::ln_final) return {name, config.ln_final, config.d_model, 1};
  const BlockSpec& block = config.blocks[layer];
  const auto of_heads = [&](const NormSpec& spec, std::size_t heads) {
    const std::size_t d_head = block.attention.d_head;
    return spec.wide ? StoredNorm{name, spec, heads * d_head, 1} : StoredNorm{name, spec, d_head, heads};
  };
  switch (role) {
    case Role::ln1: return {name, block.ln1, config.d_model, 1};
    case Role::ln1_post: return {name, block.ln1_post, config.d_model, 1};
    case Role::ln2: return {name, block.ln2, config.d_model, 1};
    case Role::ln2_post: return {name, block.ln2_post, config.d_model, 1};
    case Role::q_norm: return of_heads(block.q_norm, block.attention.heads);
    default: return of_heads(block.k_norm, block.attention.kv_heads);
  }
}

void for_each_tensor(const ModelConfig& config, const std::function<void(const std::string&, const Shape&)>& use) {
  std::set<std::string> known;  // in a block: parts may share a tensor
  const auto add = [&](const std::string& name, const Shape& shape) {
    if (known.insert(name).second) use(name, shape);
  };
  const auto add_matrix = [&](Role role, std::size_t layer) {
    const StoredMatrix matrix = stored_matrix(role, config, layer);
    add(matrix.name + ".weight", matrix.shape());
    if (matrix.bias) add(matrix.name + ".bias", {matrix.stored_out});
  };
  const auto add_norm = [&](Role role, std::size_t layer) {
    const StoredNorm norm = stored_norm(role, config, layer);
    for (const std::string& name : norm.names()) {
      if (norm.spec.weight) add(name + ".weight", norm.shape());
      if (norm.spec.bias) add(name + ".bias", norm.shape());
    }
  };
  add_matrix(Role::embed, 0);
  if (config.embed_norm.exists()) add_norm(Role::embed_norm, 0);
  if (config.learned_positions) add_matrix(Role::pos_embed, 0);
  for (std::size_t layer = 0; layer < config.n_layers(); ++layer) {
    known.clear();
    for (const auto& [role, is_norm] : parts_of(config.blocks[layer]))
      is_norm ? add_norm(role, layer) : add_matrix(role, layer);
  }
  if (config.ln_final.exists()) add_norm(Role::ln_final, 0);
  if (!config.tied) add_matrix(Role::unembed, 0);
  if (config.unembed_bias) add(config.tensors.unembed + ".bias", {config.d_vocab});
}

std::vector<std::pair<std::string, Shape>> expected_tensors(const ModelConfig& config) {
  std::vector<std::pair<std::string, Shape>> expected;
  for_each_tensor(config, [&](const std::string& name, const Shape& shape) { expected.emplace_back(name, shape); });
  return expected;
}

bool is_part_of_another_block(const std::string& name, const ModelConfig& config) {
  const auto part = part_in_block(name, config.tensors);
  if (!part) return false;
  const TensorNames& names = config.tensors;
  const std::array<const std::string*, 13> parts = {
      &names.ln1,    &names.q,        &names.k,    &names.v,  &names.o,    &names.ln2,     &names.q_norm,
      &names.k_norm, &names.ln1_post, &names.gate, &names.up, &names.down, &names.ln2_post};
  return std::any_of(parts.begin(), parts.end(), [&](const std::string* known) { return names_part(*part, *known); });
}

bool is_ignored(const std::string& name, const ModelConfig& config) {
  const TensorNames& names = config.tensors;
  const auto part = part_in_block(name, names);
  if (part &&
      std::find(names.ignored_in_block.begin(), names.ignored_in_block.end(), *part) != names.ignored_in_block.end())
    return true;
  return std::any_of(names.ignored.begin(), names.ignored.end(),
                     [&](const std::string& begin) { return name.starts_with(begin); });
}

std::size_t parameters_of(const ModelConfig& config) {
  std::size_t parameters = 0;
  for (const auto& [name, shape] : expected_tensors(config)) parameters += element_count(shape);
  return parameters;
}

}  // namespace stratoscope
