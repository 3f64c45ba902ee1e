#include "stratoscope/probe/module_names.h"

namespace stratoscope {
namespace {

// "attn.c_proj" to "attn"; empty where there is no dot.
std::string parent_of(const std::string& module) {
  const std::size_t dot = module.rfind('.');
  return dot == std::string::npos ? "" : module.substr(0, dot);
}

}  // namespace

std::vector<ModuleName> model_modules(const ModelConfig& config) {
  const TensorNames& names = config.tensors;
  std::vector<ModuleName> modules;
  if (config.embed_scale == 1) modules.push_back({names.prefix + names.embed, Hook::embed});
  if (config.learned_positions) modules.push_back({names.prefix + names.pos_embed, Hook::pos_embed});
  modules.push_back({names.prefix + names.ln_final, Hook::unembed_in});
  modules.push_back({names.unembed, Hook::unembed_out});
  if (config.logit_cap == 0) modules.push_back({"logits", Hook::unembed_out});
  return modules;
}

// A module that a norm follows does not give what is added to the stream.
std::vector<ModuleName> block_modules(const BlockSpec& block, const TensorNames& names) {
  std::vector<ModuleName> modules = {{"", Hook::resid_post}};
  const auto add = [&](const std::string& module, Hook hook) {
    if (!module.empty()) modules.push_back({"." + module, hook});
  };
  if (!block.ln1_post.exists()) {
    add(parent_of(names.o), Hook::attn_out);
    add(names.o, Hook::attn_out);
  }
  if (!block.ln2_post.exists()) {
    add(parent_of(names.down), Hook::mlp_out);
    add(names.down, Hook::mlp_out);
  }
  if (names.qkv == QkvStorage::apart) {
    add(names.q, Hook::q);
    add(names.k, Hook::k);
    add(names.v, Hook::v);
  }
  if (names.gate_with_up) return modules;
  add(block.mlp.gated ? names.gate : names.up, Hook::mlp_pre);
  if (block.mlp.gated) add(names.up, Hook::mlp_pre_linear);
  return modules;
}

std::string before_block_number(const ModelConfig& config) {
  return config.tensors.prefix + config.tensors.block.substr(0, config.tensors.block.find("{}"));
}

std::vector<NormModule> norm_modules(const ModelConfig& config) {
  const TensorNames& names = config.tensors;
  std::vector<NormModule> modules;
  for (const auto& [path, name] : {std::pair(names.ln1, "ln1"), std::pair(names.ln2, "ln2"),
                                   std::pair(names.ln1_post, "ln1_post"), std::pair(names.ln2_post, "ln2_post")})
    if (!path.empty()) modules.push_back({"." + path, name});
  return modules;
}

}  // namespace stratoscope
