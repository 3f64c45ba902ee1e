"""Each family: from its config.json and tensors to the description that decoder.py computes."""
import math

import numpy as np

import rope
from decoder import Block, Linear, Model, Norm, Rotary


class Config:
    """config(key, default): the default where the key is absent; a null is None."""

    def __init__(self, values):
        self.values = values

    def __call__(self, key, default=None):
        return self.values.get(key, default)

    def first(self, *keys):
        return next(self.values[key] for key in keys if key in self.values)

    def has(self, key):
        return key in self.values


def thirds(stacked, bias, sizes):
    """Linear maps whose rows follow each other in one matrix."""
    ends = np.cumsum(sizes)[:-1]
    biases = [None] * len(sizes) if bias is None else np.split(bias, ends)
    return [Linear(weight, part) for weight, part in zip(np.split(stacked, ends), biases)]


def by_head(fused, heads, head_size):
    """q, k and v of a fused map whose rows are ordered [head, part, head_size]."""
    weight = fused.weight.reshape(heads, 3, head_size, -1)
    bias = None if fused.bias is None else fused.bias.reshape(heads, 3, head_size)
    flat = [weight[:, part].reshape(heads * head_size, -1) for part in range(3)]
    return [Linear(flat[part], None if bias is None else bias[:, part].ravel()) for part in range(3)]


def unembedding(config, t, embed, tied, name="lm_head", bias=False):
    if not config("tie_word_embeddings", tied):
        return t.linear(name, *embed.shape, bias)
    return Linear(embed, t.tensor(name + ".bias", (len(embed),), 0.2) if bias else None)


def embedding(config, t, name, width):
    return t.tensor(name + ".weight", (config.first("vocab_size"), width), 0.8)


def conv1d(t, name, rows, columns):
    return Linear(t.tensor(name + ".weight", (columns, rows), columns**-0.5).T, t.tensor(name + ".bias", (rows,), 0.2))


def gpt2(config, t):
    width, heads = config.first("n_embd"), config.first("n_head")
    inner, eps = config("n_inner") or 4 * width, config("layer_norm_epsilon", 1e-5)
    embed = embedding(config, t, "transformer.wte", width)
    rows = t.tensor("transformer.wpe.weight", (config.first("n_positions"), width), 0.3)
    blocks = []
    for i in range(config.first("n_layer")):
        name = f"transformer.h.{i}."
        scale = (width // heads) ** -0.5 if config("scale_attn_weights", True) else 1.0
        if config("scale_attn_by_inverse_layer_idx", False):
            scale /= i + 1
        ln1 = t.norm(name + "ln_1", "layer", eps, width, bias=True)
        fused = conv1d(t, name + "attn.c_attn", 3 * width, width)
        q, k, v = thirds(fused.weight, fused.bias, [width] * 3)
        o = conv1d(t, name + "attn.c_proj", width, width)
        ln2 = t.norm(name + "ln_2", "layer", eps, width, bias=True)
        up, down = conv1d(t, name + "mlp.c_fc", inner, width), conv1d(t, name + "mlp.c_proj", width, inner)
        activation = config("activation_function", "gelu_new")
        blocks.append(Block(heads, heads, width // heads, scale, q, k, v, o, up, down, activation, ln1=ln1, ln2=ln2))
    final = t.norm("transformer.ln_f", "layer", eps, width, bias=True)
    return Model(embed, blocks, final, unembedding(config, t, embed, True), position_rows=rows)


def gpt_neo(config, t):
    width, heads, layers = (config.first(key) for key in ("hidden_size", "num_heads", "num_layers"))
    inner, eps = config("intermediate_size") or 4 * width, config("layer_norm_epsilon", 1e-5)
    types = config("attention_types", [[["global", "local"], 12]])
    kinds = config("attention_layers") or [kind for pattern, repeats in types for kind in pattern * repeats]
    assert len(kinds) == layers
    embed = embedding(config, t, "transformer.wte", width)
    rows = t.tensor("transformer.wpe.weight", (config.first("max_position_embeddings"), width), 0.3)
    blocks = []
    for i, kind in enumerate(kinds):
        name = f"transformer.h.{i}."
        attn = name + "attn.attention."
        blocks.append(Block(
            heads, heads, width // heads, 1.0,
            *(t.linear(attn + part + "_proj", width, width) for part in "qkv"),
            t.linear(attn + "out_proj", width, width, bias=True),
            t.linear(name + "mlp.c_fc", inner, width, bias=True),
            t.linear(name + "mlp.c_proj", width, inner, bias=True),
            config("activation_function", "gelu_new"),
            ln1=t.norm(name + "ln_1", "layer", eps, width, bias=True),
            ln2=t.norm(name + "ln_2", "layer", eps, width, bias=True),
            window=config("window_size", 256) if kind == "local" else None))
    final = t.norm("transformer.ln_f", "layer", eps, width, bias=True)
    return Model(embed, blocks, final, unembedding(config, t, embed, True), position_rows=rows)


def gpt_neox(config, t):
    width, heads = config.first("hidden_size"), config.first("num_attention_heads")
    inner, eps, head_size = config("intermediate_size", 24576), config("layer_norm_eps", 1e-5), width // heads
    rotary = rope.rotary(config, head_size, fraction=0.25)
    bias = config("attention_bias", True)
    embed = embedding(config, t, "gpt_neox.embed_in", width)
    blocks = []
    for i in range(config.first("num_hidden_layers")):
        name = f"gpt_neox.layers.{i}."
        fused = t.linear(name + "attention.query_key_value", 3 * width, width, bias)
        blocks.append(Block(
            heads, heads, head_size, head_size**-0.5, *by_head(fused, heads, head_size),
            t.linear(name + "attention.dense", width, width, bias),
            t.linear(name + "mlp.dense_h_to_4h", inner, width, bias=True),
            t.linear(name + "mlp.dense_4h_to_h", width, inner, bias=True),
            config("hidden_act", "gelu"), rotary=rotary,
            ln1=t.norm(name + "input_layernorm", "layer", eps, width, bias=True),
            ln2=t.norm(name + "post_attention_layernorm", "layer", eps, width, bias=True),
            parallel=config("use_parallel_residual", True)))
    final = t.norm("gpt_neox.final_layer_norm", "layer", eps, width, bias=True)
    return Model(embed, blocks, final, unembedding(config, t, embed, False, "embed_out"), rotary_family=True)


def gptj(config, t):
    width, heads = config.first("n_embd"), config.first("n_head")
    inner, eps, head_size = config("n_inner") or 4 * width, config("layer_norm_epsilon", 1e-5), width // heads
    dims = config("rotary_dim", 64)
    rotary = Rotary(dims, rope.kept(rope.plain(10000.0, dims)), interleaved=True)
    embed = embedding(config, t, "transformer.wte", width)
    blocks = []
    for i in range(config.first("n_layer")):
        name = f"transformer.h.{i}."
        blocks.append(Block(
            heads, heads, head_size, head_size**-0.5,
            *(t.linear(f"{name}attn.{part}_proj", width, width) for part in ("q", "k", "v", "out")),
            t.linear(name + "mlp.fc_in", inner, width, bias=True),
            t.linear(name + "mlp.fc_out", width, inner, bias=True),
            config("activation_function", "gelu_new"), rotary=rotary,
            ln1=t.norm(name + "ln_1", "layer", eps, width, bias=True), parallel=True, one_norm=True))
    final = t.norm("transformer.ln_f", "layer", eps, width, bias=True)
    return Model(embed, blocks, final, unembedding(config, t, embed, False, bias=True), rotary_family=True)


def opt(config, t):
    width, heads, inner = (config.first(key) for key in ("hidden_size", "num_attention_heads", "ffn_dim"))
    bias, affine = config("enable_bias", True), config("layer_norm_elementwise_affine", True)

    def norm(name):
        return t.norm(name, "layer", 1e-5, width, bias=True) if affine else Norm("layer", 1e-5)

    embed = embedding(config, t, "model.decoder.embed_tokens", width)
    positions = config("max_position_embeddings", 2048)
    rows = t.tensor("model.decoder.embed_positions.weight", (positions + 2, width), 0.3)[2:]
    blocks = []
    for i in range(config.first("num_hidden_layers")):
        name = f"model.decoder.layers.{i}."
        blocks.append(Block(
            heads, heads, width // heads, (width // heads) ** -0.5,
            *(t.linear(f"{name}self_attn.{part}_proj", width, width, bias) for part in ("q", "k", "v", "out")),
            t.linear(name + "fc1", inner, width, bias), t.linear(name + "fc2", width, inner, bias),
            config("activation_function", "relu"),
            ln1=norm(name + "self_attn_layer_norm"), ln2=norm(name + "final_layer_norm")))
    final = norm("model.decoder.final_layer_norm")
    return Model(embed, blocks, final, unembedding(config, t, embed, True), position_rows=rows)


class Llama:
    """Llama, and the differences of its descendants."""

    key_heads = None  # where the config has no num_key_value_heads; None: as many as heads
    head_size = None  # where the config has no head_dim; None: width / heads
    base = 10000.0
    fraction = 1.0
    eps = ("rms_norm_eps", 1e-6)
    norm_kind = "rms"
    norm_bias = False
    norm_weight = True
    plus_one = False
    tied = False
    inner = 11008
    activation = ("hidden_act", "silu")
    parallel = one_norm = interleaved = False
    before_attention, before_mlp = "input_layernorm", "post_attention_layernorm"
    yarn_is_longrope = False

    def __init__(self, config, t):
        self.config, self.t = config, t
        self.width, self.heads = config.first("hidden_size"), config.first("num_attention_heads")
        self.layers = config.first("num_hidden_layers")
        self.kv = config("num_key_value_heads", self.key_heads) or self.heads
        self.h = config("head_dim", self.head_size) or self.width // self.heads

    def norm(self, name, shape=None, bias=None, wide=False):
        eps, bias = self.config(*self.eps), self.norm_bias if bias is None else bias
        if not self.norm_weight:
            return Norm(self.norm_kind, eps)
        return self.t.norm(name, self.norm_kind, eps, shape or self.width, bias, self.plus_one, wide)

    def attention_biases(self):
        """Of q, k and v; of o."""
        bias = self.config("attention_bias", False)
        return bias, bias

    def mlp_bias(self):
        return False

    def qkv(self, name, bias):
        sizes = {"q": self.heads, "k": self.kv, "v": self.kv}
        return [self.t.linear(f"{name}self_attn.{part}_proj", count * self.h, self.width, bias)
                for part, count in sizes.items()]

    def gate_up(self, name, inner):
        return [self.t.linear(f"{name}mlp.{part}_proj", inner, self.width, self.mlp_bias()) for part in ("gate", "up")]

    def rotary(self, layer):
        return rope.rotary(self.config, self.h, self.base, self.fraction, yarn_is_longrope=self.yarn_is_longrope)

    def window(self, layer):
        return None

    def scale(self):
        return self.h**-0.5

    def more(self, name):
        """Further fields of a block."""
        return {}

    def block(self, i):
        name, inner = f"model.layers.{i}.", self.config("intermediate_size", self.inner)
        in_bias, out_bias = self.attention_biases()
        q, k, v = self.qkv(name, in_bias)
        gate, up = self.gate_up(name, inner)
        rotary = self.rotary(i)
        if rotary:
            rotary.interleaved = self.interleaved
        fields = dict(rotary=rotary, window=self.window(i), parallel=self.parallel, one_norm=self.one_norm)
        if self.before_mlp and not self.one_norm:
            fields["ln2"] = self.norm(name + self.before_mlp)
        if self.before_attention:
            fields["ln1"] = self.norm(name + self.before_attention)
        return Block(
            self.heads, self.kv, self.h, self.scale(), q, k, v,
            self.t.linear(name + "self_attn.o_proj", self.width, self.heads * self.h, out_bias), up,
            self.t.linear(name + "mlp.down_proj", self.width, inner, self.mlp_bias()),
            self.config(*self.activation), gate, **{**fields, **self.more(name)})

    def model(self):
        embed = embedding(self.config, self.t, "model.embed_tokens", self.width)
        blocks = [self.block(i) for i in range(self.layers)]
        unembed = unembedding(self.config, self.t, embed, self.tied)
        return Model(embed, blocks, self.norm("model.norm"), unembed, rotary_family=True)

    def listed_window(self, layer, otherwise):
        """sliding_window where layer_types says so; without that list, where `otherwise` is true."""
        listed = self.config("layer_types")
        local = listed[layer] == "sliding_attention" if listed else otherwise
        return self.config("sliding_window", self.window_size) if local else None

    window_size = 4096


class TrueLlama(Llama):
    def mlp_bias(self):
        return self.config("mlp_bias", False)


class Mistral(Llama):
    key_heads = 8

    def attention_biases(self):
        return False, False

    def window(self, layer):
        return self.config("sliding_window", 4096)


class Qwen2(Llama):
    key_heads = 32

    def attention_biases(self):
        return True, False

    def window(self, layer):
        if not self.config("use_sliding_window", False):
            return None
        return self.listed_window(layer, layer >= self.config("max_window_layers", 28))


class Qwen3(Qwen2):
    head_size = 128

    def attention_biases(self):
        return Llama.attention_biases(self)

    def more(self, name):
        return {part + "_norm": self.norm(f"{name}self_attn.{part}_norm", self.h) for part in "qk"}


class Phi3(Llama):
    eps = ("rms_norm_eps", 1e-5)
    yarn_is_longrope = True

    def attention_biases(self):
        return False, False

    def qkv(self, name, bias):
        sizes = [self.heads * self.h, self.kv * self.h, self.kv * self.h]
        return thirds(self.t.linear(name + "self_attn.qkv_proj", sum(sizes), self.width).weight, None, sizes)

    def gate_up(self, name, inner):
        return thirds(self.t.linear(name + "mlp.gate_up_proj", 2 * inner, self.width).weight, None, [inner, inner])

    def window(self, layer):
        return self.config("sliding_window")

    def rotary(self, layer):
        if not self.config.has("original_max_position_embeddings"):
            self.config.values = {**self.config.values, "original_max_position_embeddings": 4096}
        return Llama.rotary(self, layer)


class Gemma(Llama):
    key_heads, head_size, plus_one, tied = 16, 256, True, True
    activation = ("hidden_act", "gelu_pytorch_tanh")

    def model(self):
        model = Llama.model(self)
        model.embed_scale = math.sqrt(self.width)
        return model


class Gemma2(Gemma):
    key_heads = 4
    activation = ("hidden_activation", "gelu_pytorch_tanh")
    before_mlp = "pre_feedforward_layernorm"
    logit_cap, score_cap = 30.0, ("attn_logit_softcapping", 50.0)

    def scale(self):
        return self.config("query_pre_attn_scalar", 256) ** -0.5

    def window(self, layer):
        return self.listed_window(layer, layer % 2 == 0)

    def more(self, name):
        return dict(ln1_post=self.norm(name + "post_attention_layernorm"),
                    ln2_post=self.norm(name + "post_feedforward_layernorm"),
                    cap=self.config(*self.score_cap) if self.score_cap else None)

    def model(self):
        model = Gemma.model(self)
        model.logit_cap = self.config("final_logit_softcapping", self.logit_cap)
        return model


class Gemma3(Gemma2):
    logit_cap, score_cap = None, None

    def local(self, layer):
        listed = self.config("layer_types")
        if listed:
            return listed[layer] == "sliding_attention"
        return (layer + 1) % self.config("sliding_window_pattern", 6) != 0

    def window(self, layer):
        return self.config("sliding_window", 4096) if self.local(layer) else None

    def rotary(self, layer):
        by_kind = rope.settings_by_kind(self.config)
        if by_kind:
            kind, base = ("sliding_attention", 1e4) if self.local(layer) else ("full_attention", 1e6)
            return rope.rotary(self.config, self.h, base, found=by_kind[kind])
        if not self.local(layer):
            return rope.rotary(self.config, self.h, 1e6)
        return Rotary(self.h, rope.kept(rope.plain(self.config("rope_local_base_freq", 1e4), self.h)))

    def more(self, name):
        norms = {part + "_norm": self.norm(f"{name}self_attn.{part}_norm", self.h) for part in "qk"}
        return {**Gemma2.more(self, name), **norms}


GEMMA3_DEFAULTS = dict(vocab_size=262208, hidden_size=2304, intermediate_size=9216, num_hidden_layers=26,
                       num_attention_heads=8, max_position_embeddings=131072)


class Olmo(Llama):
    norm_kind, norm_weight, eps = "layer", False, ("", 1e-5)

    def more(self, name):
        return dict(clip=self.config("clip_qkv"))


class Olmo2(Llama):
    eps = ("rms_norm_eps", 1e-5)
    before_attention = before_mlp = None

    def more(self, name):
        return dict(ln1_post=self.norm(name + "post_attention_layernorm"),
                    ln2_post=self.norm(name + "post_feedforward_layernorm"),
                    q_norm=self.norm(name + "self_attn.q_norm", self.heads * self.h, wide=True),
                    k_norm=self.norm(name + "self_attn.k_norm", self.kv * self.h, wide=True))


class SmolLm3(TrueLlama):
    key_heads, base, tied, window_size = 4, 2000000.0, True, None

    def rotates(self, layer):
        listed = self.config("no_rope_layers")
        return bool(listed[layer]) if listed else (layer + 1) % self.config("no_rope_layer_interval", 4) != 0

    def rotary(self, layer):
        return Llama.rotary(self, layer) if self.rotates(layer) else None

    def window(self, layer):
        windows = self.config("use_sliding_window", False)
        return self.listed_window(layer, not self.rotates(layer)) if windows else None


class Granite(TrueLlama):
    def scale(self):
        return self.config("attention_multiplier", 1.0)

    def more(self, name):
        return dict(multiplier=self.config("residual_multiplier", 1.0))

    def model(self):
        model = Llama.model(self)
        model.embed_scale = self.config("embedding_multiplier", 1.0)
        model.logit_scale = 1 / self.config("logits_scaling", 1.0)
        return model


class StableLm(Llama):
    key_heads, fraction, norm_kind, norm_bias, eps = 32, 0.25, "layer", True, ("layer_norm_eps", 1e-5)

    def attention_biases(self):
        return self.config("use_qkv_bias", False), False

    @property
    def parallel(self):
        return self.config("use_parallel_residual", False)

    one_norm = parallel

    def head_norms(self, name, count):
        each = [self.norm(f"{name}.norms.{head}", self.h, bias=False).weight for head in range(count)]
        return Norm("layer", self.config(*self.eps), np.stack(each))

    def more(self, name):
        if not self.config("qk_layernorm", False):
            return {}
        return dict(q_norm=self.head_norms(name + "self_attn.q_layernorm", self.heads),
                    k_norm=self.head_norms(name + "self_attn.k_layernorm", self.kv))


class Cohere(Llama):
    norm_kind, eps, base, tied = "layer", ("layer_norm_eps", 1e-5), 500000.0, True
    parallel = one_norm = interleaved = True

    def more(self, name):
        if not self.config("use_qk_norm", False):
            return {}
        return dict(q_norm=self.norm(name + "self_attn.q_norm", (self.heads, self.h)),
                    k_norm=self.norm(name + "self_attn.k_norm", (self.kv, self.h)))

    def model(self):
        model = Llama.model(self)
        model.logit_scale = self.config("logit_scale", 0.0625)
        return model


def phi(config, t):
    width, heads = config.first("hidden_size"), config.first("num_attention_heads")
    kv = config("num_key_value_heads") or heads
    inner, eps, h = config.first("intermediate_size"), config("layer_norm_eps", 1e-5), width // heads
    rotary = rope.rotary(config, h, fraction=0.5)
    embed = embedding(config, t, "model.embed_tokens", width)
    blocks = []
    for i in range(config.first("num_hidden_layers")):
        name = f"model.layers.{i}."
        norms = {}
        if config("qk_layernorm", False):
            norms = {part + "_norm": t.norm(f"{name}self_attn.{part}_layernorm", "layer", eps, h, bias=True)
                     for part in "qk"}
        blocks.append(Block(
            heads, kv, h, h**-0.5,
            *(t.linear(f"{name}self_attn.{part}_proj", (heads if part == "q" else kv) * h, width, bias=True)
              for part in "qkv"),
            t.linear(name + "self_attn.dense", width, heads * h, bias=True),
            t.linear(name + "mlp.fc1", inner, width, bias=True), t.linear(name + "mlp.fc2", width, inner, bias=True),
            config("hidden_act", "gelu_new"), rotary=rotary, parallel=True, one_norm=True,
            ln1=t.norm(name + "input_layernorm", "layer", eps, width, bias=True), **norms))
    final = t.norm("model.final_layernorm", "layer", eps, width, bias=True)
    return Model(embed, blocks, final, unembedding(config, t, embed, False, bias=True), rotary_family=True)


def alibi_slopes(heads):
    n = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * i / n) for i in range(1, n + 1)]
    return np.array(slopes + [2 ** (-4 * (2 * j + 1) / n) for j in range(heads - n)])


def bloom(config, t):
    width = config.first("n_embed", "hidden_size")
    heads, layers = config.first("n_head", "num_attention_heads"), config.first("n_layer", "num_hidden_layers")
    eps, h = config("layer_norm_epsilon", 1e-5), width // heads

    def norm(name):
        return t.norm("transformer." + name, "layer", eps, width, bias=True)

    embed = embedding(config, t, "transformer.word_embeddings", width)
    embed_norm, blocks = norm("word_embeddings_layernorm"), []
    for i in range(layers):
        name = f"transformer.h.{i}."
        fused = t.linear(name + "self_attention.query_key_value", 3 * width, width, bias=True)
        blocks.append(Block(
            heads, heads, h, h**-0.5, *by_head(fused, heads, h),
            t.linear(name + "self_attention.dense", width, width, bias=True),
            t.linear(name + "mlp.dense_h_to_4h", 4 * width, width, bias=True),
            t.linear(name + "mlp.dense_4h_to_h", width, 4 * width, bias=True), "gelu_bloom",
            ln1=norm(f"h.{i}.input_layernorm"), ln2=norm(f"h.{i}.post_attention_layernorm"),
            slopes=alibi_slopes(heads)))
    return Model(embed, blocks, norm("ln_f"), unembedding(config, t, embed, True), embed_norm=embed_norm)


def of_class(kind):
    return lambda config, t: kind(config, t).model()


# The builder of each family, and the prefixes of its tensors' names: the causal model's own, then those of other files.
FAMILIES = {
    "gpt2": (gpt2, ["transformer."]),
    "gpt_neo": (gpt_neo, ["transformer."]),
    "gpt_neox": (gpt_neox, ["gpt_neox."]),
    "gptj": (gptj, ["transformer."]),
    "opt": (opt, ["model."]),
    "llama": (of_class(TrueLlama), ["model."]),
    "mistral": (of_class(Mistral), ["model."]),
    "qwen2": (of_class(Qwen2), ["model."]),
    "qwen3": (of_class(Qwen3), ["model."]),
    "phi3": (of_class(Phi3), ["model."]),
    "phi": (phi, ["model."]),
    "gemma": (of_class(Gemma), ["model."]),
    "gemma2": (of_class(Gemma2), ["model."]),
    "gemma3_text": (of_class(Gemma3), ["model."]),
    "gemma3": (of_class(Gemma3), ["model.", "language_model.model.", "model.language_model."]),
    "stablelm": (of_class(StableLm), ["model."]),
    "olmo": (of_class(Olmo), ["model."]),
    "olmo2": (of_class(Olmo2), ["model."]),
    "smollm3": (of_class(SmolLm3), ["model."]),
    "granite": (of_class(Granite), ["model."]),
    "cohere": (of_class(Cohere), ["model."]),
    "bloom": (bloom, ["transformer."]),
}


def build(values, source_of):
    """The Model of a parsed config.json; source_of(prefixes) gives its tensors."""
    family, prefixes = FAMILIES[values["model_type"]]
    if values["model_type"] == "gemma3":
        values = {**GEMMA3_DEFAULTS, **values["text_config"]}
    return family(Config(values), source_of(prefixes + [""]))
