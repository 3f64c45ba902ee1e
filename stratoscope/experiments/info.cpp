#include "stratoscope/experiments/info.h"

#include "stratoscope/families/families.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope {
namespace {

Json shape_json(HookPoint point, const ModelConfig& config) {
  Json shape = shape_of(point, config, 1);
  const auto axes = axes_of(point, config);
  for (std::size_t i = 0; i < axes.size(); ++i)
    if (axes[i] == HookAxis::pos || axes[i] == HookAxis::key) shape[i] = "pos";
  return shape;
}

// Of each hook point separately, since blocks may have different hook points.
Json hook_point_json(HookPoint point, const ModelConfig& config) {
  const HookInfo& info = info_of(point.hook);
  Json axes = Json::array();
  for (const HookAxis axis : axes_of(point, config)) axes.push_back(name_of(axis));
  return {
      {"name", name_of(point)}, {"shape", shape_json(point, config)}, {"axes", axes}, {"scope", name_of(info.scope)}};
}

// Where blocks differ, sizes are the largest ones, and kinds are those of the first block. Some keys are those of
// TransformerLens.
Json config_json(const ModelConfig& c) {
  const BlockSpec& block = c.blocks[0];
  Json json = {{"architecture", c.family},
               {"n_layers", c.n_layers()},
               {"n_heads", c.n_heads()},
               {"d_model", c.d_model},
               {"d_head", c.d_head()},
               {"d_mlp", c.d_mlp()},
               {"n_ctx", c.n_ctx},
               {"d_vocab", c.d_vocab},
               {"activation", name_of(block.mlp.activation)},
               {"layer_norm_eps", c.ln_final.eps},
               {"n_key_value_heads", block.attention.kv_heads},
               {"positional_embedding_type", c.learned_positions ? "standard"
                                             : c.rotates()       ? "rotary"
                                                                 : "alibi"},
               {"normalization_type", c.ln_final.kind == NormKind::rms ? "RMS" : "LN"},
               {"gated_mlp", block.mlp.gated},
               {"parallel_attn_mlp", block.parallel}};
  for (const auto& [name, on] : c.switches) json[name] = on;
  json["tie_word_embeddings"] = c.tied;
  return json;
}

}  // namespace

void describe(InfoRequest&, Fields&) {}

ModelInfo info(const Session&, const InfoRequest&) { return {}; }

Document to_json(const Session& session, const ModelInfo&) {
  Json json = begin_document(session);
  json["config"] = config_json(session.config());
  json["parameters"] = session.checkpoint().parameters();
  json["dtype"] = name_of(session.checkpoint().dtype());
  const WeightMemory memory = weight_memory(session.config());
  json["memory"] = {{"fp32", memory.fp32}, {"bf16", memory.bf16}};
  json["folder"] = session.folder().string();
  json["hook_points"] = Json::array();
  for (const HookPoint point : all_hook_points(session.config()))
    json["hook_points"].push_back(hook_point_json(point, session.config()));
  return finish_document(json);
}

}  // namespace stratoscope
