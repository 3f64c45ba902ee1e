#include "stratoscope/probe/foreign_names.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <regex>
#include <span>

namespace stratoscope {
namespace {

struct ForeignName {
  std::string_view path;  // after the block
  std::string_view ours;  // after "blocks.i.", or the whole name of a point outside of blocks
  std::string_view remark = {};
};

constexpr std::string_view kDropout = "dropout changes nothing here";
constexpr std::string_view kAfterMore = "after the norm or the scale that follows the module";
constexpr std::string_view kOneInput = "all its readers read the same values here";

constexpr ForeignName kInBlocks[] = {
    {"", "hook_resid_post"},
    {"attn", "hook_attn_out"},
    {"attn.c_proj", "hook_attn_out"},
    {"attn.attn_dropout", "attn.hook_pattern", kDropout},
    {"attn.resid_dropout", "hook_attn_out", kDropout},
    {"attention", "hook_attn_out"},
    {"attention.dense", "hook_attn_out"},
    {"self_attention", "hook_attn_out"},
    {"self_attention.dense", "hook_attn_out"},
    {"self_attn", "hook_attn_out"},
    {"self_attn.dense", "hook_attn_out"},
    {"self_attn.q_proj", "attn.hook_q"},
    {"self_attn.k_proj", "attn.hook_k"},
    {"self_attn.v_proj", "attn.hook_v"},
    {"self_attn.o_proj", "hook_attn_out"},
    {"self_attn.out_proj", "hook_attn_out"},
    {"hook_attn_in", "hook_resid_pre", kOneInput},
    {"hook_q_input", "hook_resid_pre", kOneInput},
    {"hook_k_input", "hook_resid_pre", kOneInput},
    {"hook_v_input", "hook_resid_pre", kOneInput},
    {"hook_mlp_in", "hook_resid_mid"},
    {"ln_1", "ln1.hook_out"},
    {"ln_2", "ln2.hook_out"},
    {"ln1", "ln1.hook_out"},
    {"ln2", "ln2.hook_out"},
    {"input_layernorm", "ln1.hook_out"},
    {"post_attention_layernorm", "ln2.hook_out"},
    {"mlp", "hook_mlp_out"},
    {"mlp.c_fc", "mlp.hook_pre"},
    {"mlp.act", "mlp.hook_post"},
    {"mlp.act_fn", "mlp.hook_post"},
    {"mlp.c_proj", "hook_mlp_out"},
    {"mlp.dropout", "hook_mlp_out", kDropout},
    {"mlp.gate_proj", "mlp.hook_pre"},
    {"mlp.up_proj", "mlp.hook_pre"},
    {"mlp.down_proj", "hook_mlp_out"},
    {"mlp.dense_h_to_4h", "mlp.hook_pre"},
    {"mlp.dense_4h_to_h", "hook_mlp_out"},
    {"attn.hook_q", "attn.hook_q"},
    {"attn.hook_k", "attn.hook_k"},
    {"attn.hook_v", "attn.hook_v"},
    {"attn.hook_z", "attn.hook_z"},
    {"attn.hook_pattern", "attn.hook_pattern"},
    {"attn.hook_attn_scores", "attn.hook_attn_scores"},
    {"attn.hook_result", "attn.hook_result"},
    {"hook_q", "attn.hook_q"},
    {"hook_k", "attn.hook_k"},
    {"hook_v", "attn.hook_v"},
    {"hook_z", "attn.hook_z"},
    {"hook_pattern", "attn.hook_pattern"},
    {"hook_attn_scores", "attn.hook_attn_scores"},
    {"hook_result", "attn.hook_result"},
    {"mlp.hook_pre", "mlp.hook_pre"},
    {"mlp.hook_post", "mlp.hook_post"},
    {"hook_pre", "mlp.hook_pre"},
    {"hook_post", "mlp.hook_post"},
};

// The inputs of modules, which hooks before a module see.
constexpr ForeignName kInputs[] = {
    {"", "hook_resid_pre"},
    {"ln_1", "hook_resid_pre"},
    {"input_layernorm", "hook_resid_pre"},
    {"attn", "ln1.hook_out"},
    {"attn.c_attn", "ln1.hook_out"},
    {"attention", "ln1.hook_out"},
    {"self_attn", "ln1.hook_out"},
    {"attn.c_proj", "attn.hook_z"},
    {"attention.dense", "attn.hook_z"},
    {"self_attention.dense", "attn.hook_z"},
    {"self_attn.dense", "attn.hook_z"},
    {"self_attn.o_proj", "attn.hook_z"},
    {"self_attn.out_proj", "attn.hook_z"},
    {"ln_2", "hook_resid_mid"},
    {"mlp", "ln2.hook_out"},
    {"mlp.c_fc", "ln2.hook_out"},
    {"mlp.gate_proj", "ln2.hook_out"},
    {"mlp.up_proj", "ln2.hook_out"},
    {"mlp.dense_h_to_4h", "ln2.hook_out"},
    {"mlp.act", "mlp.hook_pre"},
    {"mlp.c_proj", "mlp.hook_post"},
    {"mlp.down_proj", "mlp.hook_post"},
    {"mlp.dense_4h_to_h", "mlp.hook_post"},
};

constexpr std::string_view kFusedInputs[] = {"attn.c_attn", "attention.query_key_value",
                                             "self_attention.query_key_value", "self_attn.qkv_proj"};

constexpr ForeignName kElsewhere[] = {
    {"wte", "hook_embed"},
    {"word_embeddings", "hook_embed"},
    {"embed", "hook_embed"},
    {"embed_tokens", "hook_embed"},
    {"embed_in", "hook_embed"},
    {"wpe", "hook_pos_embed"},
    {"pos_embed", "hook_pos_embed"},
    {"embed_positions", "hook_pos_embed"},
    {"drop", "blocks.0.hook_resid_pre", kDropout},
    {"ln_f", "unembed.hook_in"},
    {"norm", "unembed.hook_in"},
    {"ln_final", "unembed.hook_in"},
    {"final_layer_norm", "unembed.hook_in"},
    {"embed_out", "unembed.hook_out"},
    {"lm_head", "unembed.hook_out"},
    {"logits", "unembed.hook_out", "before the model's scale and cap of logits"},
    {"unembed", "unembed.hook_out"},
    {"hook_unembed", "unembed.hook_out"},
    {"", "unembed.hook_in", "the output of all blocks, after the final norm"},
};

// For a point that this model does not have, the nearest one that it has.
std::string in_this_model(std::string_view ours, bool in_block, const std::string& prefix, const ModelConfig& config) {
  const BlockSpec& block = config.blocks[0];
  if (ours == "hook_resid_mid" && block.parallel) ours = "hook_resid_pre";
  if (ours == "ln2.hook_out" && block.shared_norm) ours = "ln1.hook_out";
  const std::string in_first = (in_block ? "blocks.0." : "") + std::string(ours);
  if (!find_hook_point(in_first, config)) return {};
  return (in_block ? prefix : std::string()) + std::string(ours);
}

// Whether other modules besides this one contribute to a branch's value.
bool is_changed_after(std::string_view ours, const BlockSpec& block) {
  if (ours == "hook_attn_out") return block.ln1_post.exists() || block.branch_scale != 1;
  return ours == "hook_mlp_out" && (block.ln2_post.exists() || block.branch_scale != 1);
}

std::string hint(const std::string& name, std::string_view remark, bool of_input) {
  const std::string it = of_input ? "a module's input has no name here, its output is '" : "here it is '";
  return it + name + "'" + (remark.empty() ? "" : ": ") + std::string(remark);
}

// The name without the path to the model and the suffix after the module.
std::string bare(std::string_view name) {
  static const std::regex ending(
      R"((\.(output|outputs|input|inputs|register_forward_hook|value)|\[[0-9:-]*\]|\(\))+$)");
  static const std::regex place(R"(\[(-?[0-9]+)\])");
  static const std::regex root(R"(^(model\.)?(transformer|model|gpt_neox|decoder|model\.decoder)(\.|$))");
  std::string text = std::regex_replace(std::string(name), place, ".$1");
  text = std::regex_replace(text, std::regex(R"(\.(output|input)\.-?[0-9]+$)"), ".$1");
  text = std::regex_replace(text, ending, "");
  return std::regex_replace(text, root, "");
}

}  // namespace

std::string foreign_name_hint(std::string_view name, const ModelConfig& config) {
  constexpr std::size_t kLongest = 200;
  if (name.empty() || name.size() > kLongest) return {};
  static const std::regex in_block(R"(^(h|layers|blocks|layer)\.(-?[0-9]{1,6})(\.(.*))?$)");
  const std::string path = bare(name);
  std::smatch parts;
  std::string block = "0", rest = path;
  const bool has_block = std::regex_match(path, parts, in_block);
  if (has_block) {
    block = parts[2];
    rest = parts[4];
    const long index = std::stol(block), count = static_cast<long>(config.n_layers());
    if (index < -count || index >= count) return {};
  }
  const std::string prefix = "blocks." + block + ".";
  static const std::regex input(R"(\.inputs?(\[[0-9]*\])*$)");
  const bool of_input = std::regex_search(std::string(name), input);
  if (has_block && of_input)
    for (const auto& [path_there, ours, remark] : kInputs)
      if (rest == path_there)
        if (const std::string here = in_this_model(ours, true, prefix, config); !here.empty())
          return hint(here, remark, false);
  if (std::find(std::begin(kFusedInputs), std::end(kFusedInputs), rest) != std::end(kFusedInputs))
    return "it is three values here, side by side in its output: '" + prefix + "attn.hook_q', '" + prefix +
           "attn.hook_k' and '" + prefix + "attn.hook_v'";
  if (rest == "mlp.gate_up_proj")
    return "it is two values here, side by side in its output: '" + prefix + "mlp.hook_pre' and '" + prefix +
           "mlp.hook_pre_linear'";
  const bool gated = config.blocks[0].mlp.gated;
  if (gated && rest == "mlp.up_proj") return hint(prefix + "mlp.hook_pre_linear", {}, of_input);
  if (gated && (rest == "mlp.act" || rest == "mlp.act_fn"))
    return "its product with the up branch is '" + prefix + "mlp.hook_post'";
  const auto known_here = [&](std::span<const ForeignName> names, bool in_blocks) -> std::string {
    for (const auto& [path_there, ours, remark] : names)
      if (rest == path_there)
        if (const std::string here = in_this_model(ours, in_blocks, prefix, config); !here.empty())
          return hint(here, remark.empty() && is_changed_after(ours, config.blocks[0]) ? kAfterMore : remark, of_input);
    return {};
  };
  if (has_block || !rest.empty())
    if (std::string known = known_here(kInBlocks, true); !known.empty() || has_block) return known;
  return known_here(kElsewhere, false);
}

}  // namespace stratoscope
