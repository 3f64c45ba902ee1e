#include "stratoscope/probe/module_names.h"

namespace stratoscope {
namespace {

// "attn.c_proj" to "attn"; empty if there is no dot.
std::string parent_of(const std::string& module) {
  const std::size_t dot = module.rfind('.');
  return dot == std::string::npos ? "" : module.substr(0, dot);
}

}  // namespace

std::vector<ModuleName> model_modules(const ModelConfig& config) {
  const TensorNames& names = config.tensors;
  std::vector<ModuleName> modules;
  const std::string& embedding = config.embed_norm.exists() ? names.embed_norm : names.embed;
  if (config.embed_scale == 1) modules.push_back({names.prefix + embedding, Hook::embed});
  if (config.learned_positions) modules.push_back({names.prefix + names.pos_embed, Hook::pos_embed});
  if (!names.drop.empty()) modules.push_back({names.prefix + names.drop, Hook::resid_pre});
  modules.push_back({names.prefix + names.ln_final, Hook::unembed_in});
  modules.push_back({names.unembed, Hook::unembed_out});
  if (config.logit_cap == 0 && config.logit_scale == 1) modules.push_back({"logits", Hook::unembed_out});
  return modules;
}

// The output of a module before a norm, a scale or a clip is not the hook point's value.
std::vector<ModuleName> block_modules(const BlockSpec& block, const TensorNames& names) {
  std::vector<ModuleName> modules = {{"", Hook::resid_post}};
  const auto add = [&](const std::string& module, Hook hook) {
    if (!module.empty()) modules.push_back({"." + module, hook});
  };
  // The last product of a branch, and the modules that contain it.
  const auto add_branch = [&](const std::string& module, const NormSpec& norm_after, Hook hook) {
    if (norm_after.exists() || block.branch_scale != 1) return;
    std::vector<std::string> holders;
    for (std::string holder = module; !holder.empty(); holder = parent_of(holder)) holders.push_back(holder);
    for (auto holder = holders.rbegin(); holder != holders.rend(); ++holder) add(*holder, hook);
  };
  const auto add_norm = [&](const std::string& module, const NormSpec& norm, Hook hook) {
    if (norm.exists()) add(module, hook);
  };
  add_norm(names.ln1, block.ln1, Hook::ln1_out);
  if (!block.shared_norm) add_norm(names.ln2, block.ln2, Hook::ln2_out);
  if (block.branch_scale == 1) {
    add_norm(names.ln1_post, block.ln1_post, Hook::attn_out);
    add_norm(names.ln2_post, block.ln2_post, Hook::mlp_out);
  }
  add_branch(names.o, block.ln1_post, Hook::attn_out);
  add_branch(names.down, block.ln2_post, Hook::mlp_out);
  if (names.qkv == QkvStorage::apart && block.attention.clip == 0) {
    add(names.q, Hook::q);
    add(names.k, Hook::k);
    add(names.v, Hook::v);
  }
  if (!block.mlp.gated) add(names.activation, Hook::mlp_post);
  if (names.gate_with_up) return modules;
  add(block.mlp.gated ? names.gate : names.up, Hook::mlp_pre);
  if (block.mlp.gated) add(names.up, Hook::mlp_pre_linear);
  return modules;
}

std::string before_block_number(const ModelConfig& config) {
  return config.tensors.prefix + config.tensors.block.substr(0, config.tensors.block.find("{}"));
}

}  // namespace stratoscope
