"""The checkpoints to write: of each family several, in awkward shapes and every spelling of their config.

A case is (name, config, options). Options: `store`, the number format; `shards`, the format of each file of several;
`prefix`, what replaces the causal model's prefix of names; `buffers`, masks and frequencies that old files carry;
`head`, an lm_head.weight beside tied weights, which has to be ignored; `renamed`, names that differ; `tokens`, the length
of the text.
"""

ABSENT = object()
PREFIXES = {"gpt_neox": "gpt_neox.", "gpt2": "transformer.", "gpt_neo": "transformer.", "gptj": "transformer.", "bloom": "transformer."}

# Sizes that no product of others gives: 6 heads of 10 in a width of 36, 3 key heads, 53 tokens.
LLAMA = dict(vocab_size=53, hidden_size=36, intermediate_size=44, num_hidden_layers=2, num_attention_heads=6,
             num_key_value_heads=3, head_dim=10, max_position_embeddings=64, rms_norm_eps=2e-3,
             tie_word_embeddings=False, bos_token_id=1, eos_token_id=2)
SQUARE = {**LLAMA, "head_dim": ABSENT}
GPT = dict(vocab_size=51, n_embd=30, n_head=3, n_layer=2, n_positions=32, layer_norm_epsilon=3e-3)
FACTORS = dict(short_factor=[1.0, 1.1, 1.3, 1.7, 2.0], long_factor=[1.0, 2.5, 4.0, 7.5, 9.0])
SCALINGS = {
    "linear": dict(rope_type="linear", factor=4.0),
    "dynamic": dict(rope_type="dynamic", factor=3.0),
    "llama3": dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                   original_max_position_embeddings=32),
    "yarn": dict(rope_type="yarn", factor=3.0, original_max_position_embeddings=512),
    "longrope": dict(rope_type="longrope", original_max_position_embeddings=16, **FACTORS),
}
# A text within and one beyond the original context of each scaling above, where dynamic's is max_position_embeddings.
SHORT, LONG = 9, 29


LONGEST = dict(dynamic=16, yarn=2048)


def scaled(name, **more):
    return dict(rope_scaling={**SCALINGS[name], **more}, max_position_embeddings=LONGEST.get(name, 64))


def gpt2():
    yield "plain", GPT, {}
    yield "tied_bare_f16", {**GPT, "n_inner": 37, "activation_function": "gelu"}, dict(prefix="", buffers=True, store="F16")
    yield "untied_shards", {**GPT, "tie_word_embeddings": False, "scale_attn_by_inverse_layer_idx": True, "n_inner": None,
                            "layer_norm_epsilon": ABSENT}, dict(shards=["F16", "BF16"])
    yield "unscaled", {**GPT, "scale_attn_weights": False, "activation_function": "silu"}, dict(tokens=32, store="BF16")


def gpt_neo():
    base = dict(vocab_size=51, hidden_size=30, num_layers=3, num_heads=3, max_position_embeddings=40, window_size=5,
                attention_types=[[["global", "local"], 1], [["local"], 1]], layer_norm_epsilon=3e-3)
    yield "types", {**base, "intermediate_size": 47}, dict(buffers=True)
    yield "layers", {**base, "attention_types": ABSENT, "attention_layers": ["local", "global", "local"], "window_size": 1,
                     "intermediate_size": None}, dict(prefix="", store="F16")
    yield "untied", {**base, "num_layers": 4, "attention_types": [[["global", "local"], 2]], "window_size": 40,
                     "activation_function": "relu", "tie_word_embeddings": False}, dict(tokens=40, shards=["F32", "BF16"])
    yield "defaults", {**base, "num_layers": 24, "attention_types": ABSENT, "window_size": ABSENT,
                       "layer_norm_epsilon": ABSENT, "hidden_size": 24}, dict(head=True)


def gpt_neox():
    base = dict(vocab_size=51, hidden_size=40, intermediate_size=44, num_hidden_layers=2, num_attention_heads=4,
                max_position_embeddings=64, layer_norm_eps=2e-3, rotary_pct=0.4, rotary_emb_base=500)
    yield "parallel", base, dict(buffers=True)
    yield "serial", {**base, "use_parallel_residual": False, "attention_bias": False, "hidden_act": "gelu_new",
                     "tie_word_embeddings": True}, dict(prefix="", store="BF16")
    yield "transformers_5", {**base, "rotary_pct": ABSENT, "rotary_emb_base": ABSENT, "rope_parameters": dict(
        rope_type="default", rope_theta=300.0, partial_rotary_factor=0.8)}, dict(renamed={"embed_out.weight": "lm_head.weight"})
    yield "defaults", {**base, "intermediate_size": ABSENT, "hidden_size": 8, "num_attention_heads": 1,
                       "num_hidden_layers": 1, "layer_norm_eps": ABSENT, "rotary_pct": ABSENT, "rotary_emb_base": ABSENT}, {}
    yield "linear", {**base, "rope_scaling": dict(type="linear", factor=2.0)}, dict(shards=["F16", "F16"])
    yield "dynamic", {**base, "rope_scaling": dict(type="dynamic", factor=2.0), "max_position_embeddings": 16}, dict(tokens=LONG)


def gptj():
    base = {**GPT, "n_embd": 60, "rotary_dim": 8}
    yield "plain", base, dict(buffers=True)
    yield "whole_head", {**base, "rotary_dim": 20, "n_inner": 41, "activation_function": "gelu", "n_layer": 3}, dict(
        store="F16", tokens=40)
    yield "tied_bare", {**base, "tie_word_embeddings": True, "n_inner": None}, dict(prefix="")
    yield "defaults", {**base, "n_embd": 64, "n_head": 1, "rotary_dim": ABSENT, "layer_norm_epsilon": ABSENT}, dict(
        shards=["F16", "BF16"])


def opt():
    base = dict(vocab_size=51, hidden_size=36, ffn_dim=47, num_hidden_layers=2, num_attention_heads=3,
                max_position_embeddings=24, word_embed_proj_dim=36)
    yield "plain", base, dict(tokens=24)
    yield "bare_gelu", {**base, "activation_function": "gelu", "word_embed_proj_dim": ABSENT}, dict(prefix="", store="F16")
    yield "no_biases", {**base, "enable_bias": False}, dict(head=True, shards=["F16", "F32"])
    yield "norms_without_weights", {**base, "layer_norm_elementwise_affine": False, "tie_word_embeddings": False}, dict(store="BF16")
    yield "default_positions", {**base, "max_position_embeddings": ABSENT}, {}


def llama():
    yield "plain", LLAMA, dict(buffers=True)
    yield "biases", {**LLAMA, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}, dict(head=True, store="F16")
    yield "one_key_head", {**SQUARE, "num_key_value_heads": 1, "hidden_act": "gelu", "pretraining_tp": 2}, dict(prefix="", store="BF16")
    yield "null_keys", {**SQUARE, "head_dim": None, "num_key_value_heads": None, "rope_scaling": None,
                        "tie_word_embeddings": ABSENT}, dict(shards=["F16", "BF16", "F32"])
    yield "defaults", {**SQUARE, "num_key_value_heads": ABSENT, "intermediate_size": ABSENT, "rms_norm_eps": ABSENT,
                       "num_hidden_layers": 1, "hidden_size": 12}, dict(store="BF16")
    yield "one_head_of_two", {**LLAMA, "num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": 2,
                              "hidden_size": 7, "hidden_act": "swish"}, dict(tokens=1)
    yield "transformers_5", {**LLAMA, "rope_parameters": dict(rope_type="default", rope_theta=77.0)}, dict(tokens=LONG)
    yield "empty_scaling", {**LLAMA, "rope_theta": 500.0, "rope_scaling": {}}, {}
    yield "partial", {**LLAMA, "hidden_act": "relu2", "rope_theta": 1000000}, dict(tokens=80)
    for name in SCALINGS:
        for tokens in SHORT, LONG:
            yield f"{name}_{tokens}", {**LLAMA, "rope_theta": 300.0, **scaled(name)}, dict(tokens=tokens)
    yield "llama3_named_type", {**LLAMA, **scaled("llama3", rope_type=ABSENT, type="llama3")}, {}
    yield "llama3_original_at_top", {**LLAMA, **scaled("llama3"), "original_max_position_embeddings": 128}, {}
    yield "llama3_no_original", {**LLAMA, **scaled("llama3", original_max_position_embeddings=ABSENT)}, {}
    yield "llama3_parameters", {**LLAMA, "rope_parameters": {**SCALINGS["llama3"], "rope_theta": 50000.0}}, {}
    yield "yarn_attention_factor", {**LLAMA, **scaled("yarn", attention_factor=0.7, beta_fast=20, beta_slow=3), "rope_theta": 300.0}, {}
    yield "yarn_mscale", {**LLAMA, **scaled("yarn", mscale=0.7, mscale_all_dim=1.3, truncate=False), "rope_theta": 300.0}, dict(tokens=LONG)
    yield "yarn_null_factor", {**LLAMA, **scaled("yarn", factor=None), "rope_theta": 100.0}, {}
    yield "yarn_no_original", {**LLAMA, **scaled("yarn", original_max_position_embeddings=ABSENT)}, {}
    yield "longrope_factor", {**LLAMA, **scaled("longrope", factor=32.0)}, dict(tokens=LONG)
    yield "longrope_attention_factor", {**LLAMA, **scaled("longrope", attention_factor=1.25)}, dict(tokens=SHORT)
    yield "longrope_at_border", {**LLAMA, **scaled("longrope")}, dict(tokens=16)
    yield "su_over_border", {**LLAMA, **scaled("longrope", rope_type=ABSENT, type="su")}, dict(tokens=17)


def mistral():
    yield "window", {**LLAMA, "sliding_window": 5}, dict(store="BF16")
    yield "null_window", {**LLAMA, "sliding_window": None, "rope_theta": 1e6}, dict(tokens=LONG, shards=["BF16", "BF16"])
    yield "defaults", {**SQUARE, "num_attention_heads": 16, "hidden_size": 32, "num_key_value_heads": ABSENT,
                       "layer_types": ["full_attention"] * 2}, dict(prefix="")
    yield "layer_types_unread", {**LLAMA, "sliding_window": 1, "layer_types": ["full_attention", "sliding_attention"]}, {}
    yield "no_biases", {**SQUARE, "attention_bias": True, "mlp_bias": True, "sliding_window": 14, "head_dim": None,
                        "num_key_value_heads": None}, dict(tokens=LONG)


def qwen2():
    base = {**SQUARE, "num_key_value_heads": 2}
    yield "no_window", {**base, "sliding_window": 4, "max_window_layers": 0, "use_sliding_window": False}, dict(store="BF16")
    yield "late_windows", {**base, "use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1,
                           "num_hidden_layers": 3}, {}
    yield "layer_types", {**base, "use_sliding_window": True, "sliding_window": 6, "max_window_layers": 0,
                          "layer_types": ["sliding_attention", "full_attention"], "tie_word_embeddings": True}, dict(head=True)
    yield "listed_but_unused", {**base, "sliding_window": 3, "layer_types": ["sliding_attention"] * 2}, dict(prefix="")
    yield "yarn", {**base, "rope_scaling": dict(type="yarn", factor=3.0, original_max_position_embeddings=256), "rope_theta": 90.0}, dict(
        tokens=LONG, shards=["F16", "BF16"])
    yield "defaults", {**base, "num_attention_heads": 32, "hidden_size": 64, "num_key_value_heads": ABSENT,
                       "use_sliding_window": True, "attention_bias": False, "rms_norm_eps": ABSENT}, {}
    yield "head_dim", {**LLAMA, "use_sliding_window": True, "sliding_window": None, "max_window_layers": 0}, {}


def qwen3():
    yield "plain", LLAMA, dict(store="BF16")
    yield "biases", {**LLAMA, "attention_bias": True, "tie_word_embeddings": True}, dict(head=True, tokens=LONG)
    yield "head_of_128", {**SQUARE, "hidden_size": 24, "num_attention_heads": 3, "num_key_value_heads": 1}, dict(store="F16")
    yield "windows_5", {**LLAMA, "use_sliding_window": True, "sliding_window": 5, "layer_types": [
        "full_attention", "sliding_attention"], "rope_parameters": dict(rope_type="yarn", rope_theta=1e3, factor=2.0,
                                                                        original_max_position_embeddings=256)}, dict(prefix="")
    yield "defaults", {**SQUARE, "num_attention_heads": 32, "num_key_value_heads": ABSENT, "hidden_size": 32, "head_dim": 6}, {}


def phi3():
    base = {**SQUARE, "original_max_position_embeddings": 16, "hidden_size": 60}
    yield "plain", {**base, "sliding_window": None, "rope_scaling": None}, dict(store="BF16")
    yield "window", {**base, "sliding_window": 6, "num_key_value_heads": ABSENT, "rms_norm_eps": ABSENT}, dict(prefix="")
    for tokens in SHORT, LONG:
        yield f"longrope_{tokens}", {**base, "rope_scaling": dict(type="longrope", **FACTORS)}, dict(tokens=tokens)
    yield "su", {**base, "rope_scaling": dict(type="su", **FACTORS), "tie_word_embeddings": True}, dict(tokens=LONG, head=True)
    yield "yarn_means_longrope", {**base, "rope_scaling": dict(type="yarn", **FACTORS)}, dict(tokens=LONG)
    yield "partial", {**base, "partial_rotary_factor": 0.7, "num_attention_heads": 5, "num_key_value_heads": 1,
                      "hidden_size": 60, "rope_scaling": dict(type="longrope", short_factor=[1.0, 1.5, 2.0, 2.5],
                                                              long_factor=[1, 3, 5, 9])}, dict(tokens=LONG, shards=["BF16", "F16"])
    yield "default_original", {**base, "original_max_position_embeddings": ABSENT, "max_position_embeddings": 131072,
                               "rope_scaling": dict(type="longrope", **FACTORS)}, {}
    yield "transformers_5", {**base, "rope_parameters": dict(
        rope_type="longrope", rope_theta=500.0, partial_rotary_factor=1.0, original_max_position_embeddings=4, **FACTORS)}, dict(tokens=10)


def phi():
    base = {**SQUARE, "layer_norm_eps": 2e-3, "rms_norm_eps": ABSENT, "hidden_size": 48, "partial_rotary_factor": 0.5}
    yield "plain", base, dict(store="F16")
    yield "partial", {**base, "hidden_size": 60, "partial_rotary_factor": 0.4, "num_key_value_heads": None,
                      "qk_layernorm": True, "tie_word_embeddings": True}, dict(head=True)
    yield "defaults", {**base, "num_key_value_heads": ABSENT, "partial_rotary_factor": ABSENT, "layer_norm_eps": ABSENT,
                       "hidden_act": "gelu"}, dict(prefix="", tokens=LONG)
    yield "transformers_5", {**base, "qk_layernorm": True, "num_key_value_heads": 1, "partial_rotary_factor": ABSENT,
                             "rope_parameters": dict(rope_type="linear", factor=2.0, rope_theta=900.0,
                                                     partial_rotary_factor=0.75)}, dict(shards=["F16", "BF16"])


def gemma():
    base = {**LLAMA, "tie_word_embeddings": ABSENT}
    yield "plain", base, dict(store="BF16")
    yield "exact_gelu", {**base, "hidden_act": "gelu", "attention_bias": True, "num_key_value_heads": None}, dict(head=True)
    yield "defaults", {**base, "hidden_size": 20, "num_attention_heads": 16, "num_key_value_heads": ABSENT, "head_dim": ABSENT,
                       "rms_norm_eps": ABSENT, "num_hidden_layers": 1}, dict(prefix="")
    yield "untied", {**base, "tie_word_embeddings": False, "hidden_activation": "relu"}, dict(shards=["F16", "BF16"])


def gemma2():
    base = {**LLAMA, "tie_word_embeddings": ABSENT, "query_pre_attn_scalar": 17, "sliding_window": 5, "num_hidden_layers": 3}
    yield "caps", {**base, "attn_logit_softcapping": 3.0, "final_logit_softcapping": 5.0}, dict(store="BF16")
    yield "no_caps", {**base, "attn_logit_softcapping": None, "final_logit_softcapping": None, "attention_bias": True}, dict(head=True)
    yield "listed", {**base, "layer_types": ["full_attention", "sliding_attention", "sliding_attention"],
                     "hidden_activation": "gelu"}, dict(prefix="", tokens=LONG)
    yield "defaults", {**base, "num_attention_heads": 8, "hidden_size": 24, "num_key_value_heads": ABSENT, "head_dim": ABSENT,
                       "query_pre_attn_scalar": ABSENT, "sliding_window": ABSENT, "rms_norm_eps": ABSENT}, dict(shards=["F16", "BF16"])


def gemma3_text():
    base = {**LLAMA, "tie_word_embeddings": ABSENT, "query_pre_attn_scalar": 17, "sliding_window": 5, "num_hidden_layers": 7}
    yield "bases_4", {**base, "rope_theta": 5000.0, "rope_local_base_freq": 70.0, "rope_scaling": dict(rope_type="linear", factor=8.0)}, {}
    yield "pattern", {**base, "sliding_window_pattern": 2, "num_hidden_layers": 4, "attn_logit_softcapping": 2.0,
                      "final_logit_softcapping": 5.0, "attention_bias": True}, dict(store="BF16", head=True)
    yield "bases_5", {**base, "num_hidden_layers": 3, "layer_types": ["full_attention", "sliding_attention", "full_attention"],
                      "rope_parameters": dict(full_attention=dict(rope_type="linear", factor=4.0, rope_theta=900.0),
                                              sliding_attention=dict(rope_type="default", rope_theta=40.0))}, dict(prefix="")
    yield "defaults", {**base, "hidden_size": 24, "num_attention_heads": 4, "num_key_value_heads": ABSENT, "head_dim": ABSENT,
                       "query_pre_attn_scalar": ABSENT, "sliding_window": ABSENT, "rms_norm_eps": ABSENT}, dict(store="F16")


def gemma3():
    text = {**LLAMA, "query_pre_attn_scalar": 17, "sliding_window": 5, "sliding_window_pattern": 3, "num_hidden_layers": 3}
    for name in "tie_word_embeddings", "bos_token_id", "eos_token_id":
        text.pop(name)
    outer = dict(vision_config=dict(hidden_size=8), image_token_index=50)
    yield "prefix_4", {**outer, "text_config": {**text, "model_type": "gemma3_text"}}, dict(
        prefix="language_model.model.", images=True, store="BF16")
    yield "prefix_5", {**outer, "text_config": {**text, "rope_scaling": dict(rope_type="linear", factor=8.0)}}, dict(
        prefix="model.language_model.", images=True)
    left_out = {key: value for key, value in text.items()
                if key not in ("num_attention_heads", "num_key_value_heads", "head_dim", "query_pre_attn_scalar")}
    yield "defaults", {**outer, "text_config": {**left_out, "hidden_size": 16}}, dict(prefix="language_model.model.", images=True)


def stablelm():
    base = {**SQUARE, "layer_norm_eps": 2e-3, "rms_norm_eps": ABSENT, "hidden_size": 48, "num_key_value_heads": 2}
    yield "plain", base, dict(store="F16")
    yield "parallel", {**base, "use_parallel_residual": True, "use_qkv_bias": True, "partial_rotary_factor": 0.5}, dict(prefix="")
    yield "head_norms", {**base, "qk_layernorm": True, "tie_word_embeddings": True, "rope_theta": 200.0, "partial_rotary_factor": 0.5}, dict(head=True)
    yield "parallel_head_norms", {**base, "qk_layernorm": True, "use_parallel_residual": True, "hidden_act": "gelu",
                                  "num_attention_heads": 12, "num_key_value_heads": 3, "partial_rotary_factor": 1.0}, dict(
        shards=["F16", "BF16"], tokens=LONG)
    yield "defaults", {**base, "num_attention_heads": 32, "hidden_size": 256, "intermediate_size": 12, "num_key_value_heads": ABSENT,
                       "layer_norm_eps": ABSENT}, {}


def olmo():
    base = {**SQUARE, "rms_norm_eps": ABSENT}
    yield "plain", base, {}
    yield "clipped", {**base, "clip_qkv": 0.9, "attention_bias": True}, dict(prefix="", store="F16")
    yield "null_clip", {**base, "clip_qkv": None, "num_key_value_heads": ABSENT, "tie_word_embeddings": True, "rope_theta": 321.0}, dict(
        head=True, shards=["BF16", "F32"])
    yield "scaled", {**base, **scaled("llama3"), "clip_qkv": 1.5, "rope_theta": 30.0}, dict(tokens=LONG)


def olmo2():
    yield "plain", SQUARE, dict(store="BF16")
    yield "biases", {**SQUARE, "attention_bias": True, "num_key_value_heads": 1, "rope_theta": 500000}, dict(prefix="")
    yield "defaults", {**SQUARE, "num_key_value_heads": ABSENT, "rms_norm_eps": ABSENT, "tie_word_embeddings": True}, dict(head=True)
    yield "scaled", {**SQUARE, **scaled("yarn"), "rope_theta": 90.0}, dict(tokens=LONG, shards=["F16", "BF16"])


def smollm3():
    base = {**SQUARE, "num_hidden_layers": 4}
    yield "every_fourth", base, dict(store="BF16")
    yield "listed", {**base, "no_rope_layers": [0, 1, 1, 0], "attention_bias": True, "mlp_bias": True}, dict(prefix="")
    yield "none_rotates", {**base, "no_rope_layer_interval": 1}, {}
    yield "window_without_rope", {**base, "no_rope_layer_interval": 2, "use_sliding_window": True, "sliding_window": 4}, {}
    yield "windows_listed", {**base, "use_sliding_window": True, "sliding_window": 4, "layer_types": [
        "sliding_attention", "full_attention", "full_attention", "full_attention"]}, dict(shards=["F16", "BF16"])
    yield "defaults", {**base, "num_attention_heads": 8, "hidden_size": 32, "num_key_value_heads": ABSENT,
                       "tie_word_embeddings": ABSENT, "sliding_window": 3, "rms_norm_eps": ABSENT}, dict(head=True)
    yield "yarn", {**base, **scaled("yarn"), "rope_theta": 90.0, "no_rope_layers": [1, 0, 1, 1]}, dict(tokens=LONG)


def granite():
    multipliers = dict(embedding_multiplier=3.5, residual_multiplier=0.22, attention_multiplier=0.17, logits_scaling=7.0)
    yield "multipliers", {**SQUARE, **multipliers}, dict(store="BF16")
    yield "biases", {**LLAMA, **multipliers, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}, dict(head=True)
    yield "defaults", {**SQUARE, "num_key_value_heads": ABSENT, "rms_norm_eps": ABSENT}, dict(prefix="")
    yield "some", {**SQUARE, "residual_multiplier": 0.4, "logits_scaling": 0.125, **scaled("linear")}, dict(shards=["F16", "F32"])


def cohere():
    base = {**SQUARE, "rms_norm_eps": ABSENT, "layer_norm_eps": 2e-3, "tie_word_embeddings": ABSENT}
    yield "plain", base, dict(store="F16")
    yield "head_norms", {**base, "use_qk_norm": True, "logit_scale": 0.7}, dict(prefix="", head=True)
    yield "biases", {**base, "attention_bias": True, "num_key_value_heads": ABSENT, "rope_theta": 150.0, "layer_norm_eps": ABSENT,
                     "tie_word_embeddings": False}, dict(shards=["F16", "BF16"], tokens=LONG)
    yield "scaled", {**base, "use_qk_norm": True, "num_key_value_heads": 1, "hidden_act": "gelu_new", **scaled("dynamic")}, dict(tokens=LONG)


def bloom():
    base = dict(vocab_size=51, hidden_size=40, n_layer=2, n_head=4, layer_norm_epsilon=2e-3)
    yield "plain", base, {}
    yield "five_heads", {**base, "n_head": 5, "hidden_size": 64, "n_embed": 40}, dict(prefix="", store="BF16")
    yield "twelve_heads", {**base, "n_head": 12, "hidden_size": 36, "layer_norm_epsilon": ABSENT}, dict(tokens=LONG, head=True)
    yield "other_keys", {**base, "n_layer": ABSENT, "n_head": ABSENT, "num_hidden_layers": 3, "num_attention_heads": 1,
                         "tie_word_embeddings": False}, dict(shards=["F16", "BF16"])


FAMILIES = (gpt2, gpt_neo, gpt_neox, gptj, opt, llama, mistral, qwen2, qwen3, phi3, phi, gemma, gemma2, gemma3_text, gemma3,
            stablelm, olmo, olmo2, smollm3, granite, cohere, bloom)


def present(values):
    """Without the entries that are ABSENT, also in nested tables."""
    return {key: present(value) if isinstance(value, dict) else value for key, value in values.items() if value is not ABSENT}


def all_cases(listed=FAMILIES):
    for family in listed:
        for name, config, options in family():
            yield f"{family.__name__}.{name}", present({"model_type": family.__name__, **config}), options
