"""The values of a decoder-only transformer for one text, in float64, at every hook point.

D width, H heads, K key heads, h head size, F neurons, V vocabulary, P positions. Weights of products are [out, in].
"""
import math
from dataclasses import dataclass, field

import numpy as np

_erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu_tanh(x, root=math.sqrt(2 / math.pi)):
    return 0.5 * x * (1 + np.tanh(root * (x + 0.044715 * x**3)))


ACTIVATIONS = {
    "gelu": lambda x: 0.5 * x * (1 + _erf(x / math.sqrt(2))),
    "gelu_new": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
    "gelu_bloom": lambda x: gelu_tanh(x, 0.79788456),
    "silu": lambda x: x * sigmoid(x),
    "swish": lambda x: x * sigmoid(x),
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "quick_gelu": lambda x: x * sigmoid(1.702 * x),
}


@dataclass
class Linear:
    weight: np.ndarray
    bias: np.ndarray | None = None

    def __call__(self, x):
        y = x @ self.weight.T
        return y if self.bias is None else y + self.bias


@dataclass
class Norm:
    kind: str  # "layer" or "rms"
    eps: float
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    wide: bool = False  # of a head's values: over all heads at once


@dataclass
class Rotary:
    """The first `dims` of a head rotate; frequencies(length) are those of a text of that length."""

    dims: int
    frequencies: object
    factor: float = 1.0
    interleaved: bool = False

    def __call__(self, x):
        positions = np.arange(len(x), dtype=np.float64)
        angles = (positions[:, None] * self.frequencies(len(x)))[:, None, :]
        cos, sin = np.cos(angles) * self.factor, np.sin(angles) * self.factor
        half, out = self.dims // 2, x.copy()
        if self.interleaved:
            first, second = slice(0, self.dims, 2), slice(1, self.dims, 2)
        else:
            first, second = slice(0, half), slice(half, self.dims)
        a, b = x[..., first], x[..., second]
        out[..., first], out[..., second] = a * cos - b * sin, b * cos + a * sin
        return out


@dataclass
class Block:
    heads: int
    key_heads: int
    head_size: int
    scale: float
    q: Linear
    k: Linear
    v: Linear
    o: Linear
    up: Linear
    down: Linear
    activation: str
    gate: Linear | None = None
    ln1: Norm | None = None
    ln1_post: Norm | None = None
    ln2: Norm | None = None
    ln2_post: Norm | None = None
    q_norm: Norm | None = None
    k_norm: Norm | None = None
    rotary: Rotary | None = None
    parallel: bool = False
    one_norm: bool = False
    window: int | None = None
    cap: float | None = None
    slopes: np.ndarray | None = None
    clip: float | None = None
    multiplier: float = 1.0


@dataclass
class Model:
    embed: np.ndarray
    blocks: list
    final_norm: Norm
    unembed: Linear
    rotary_family: bool = False
    position_rows: np.ndarray | None = None  # row p belongs to position p
    embed_scale: float = 1.0
    embed_norm: Norm | None = None
    logit_scale: float = 1.0
    logit_cap: float | None = None


@dataclass
class Points:
    """Hook points in firing order."""

    values: dict = field(default_factory=dict)

    def __call__(self, name, value):
        assert name not in self.values, name
        self.values[name] = value
        return value

    def norm(self, norm, x, name):
        if norm.wide:
            return self.norm(Norm(norm.kind, norm.eps, norm.weight), x.reshape(len(x), -1), name).reshape(x.shape)
        centred = x - x.mean(-1, keepdims=True) if norm.kind == "layer" else x
        scale = self(name + ".hook_scale", np.sqrt((centred**2).mean(-1, keepdims=True) + norm.eps))
        y = self(name + ".hook_normalized", centred / scale)
        y = y if norm.weight is None else y * norm.weight
        y = y if norm.bias is None else y + norm.bias
        return self(name + ".hook_out", y) if name.endswith((".ln1", ".ln2")) else y


def attend(block, q, k, v, fire, prefix):
    positions = len(q)
    group = block.heads // block.key_heads
    keys, values = (np.repeat(x, group, axis=1).transpose(1, 0, 2) for x in (k, v))
    scores = (q.transpose(1, 0, 2) @ keys.transpose(0, 2, 1)) * block.scale
    if block.cap is not None:
        scores = block.cap * np.tanh(scores / block.cap)
    query, key = np.indices((positions, positions))
    if block.slopes is not None:
        scores = scores + block.slopes[:, None, None] * (key - query)
    seen = key <= query
    if block.window is not None:
        seen &= key > query - block.window
    scores = fire(prefix + "hook_attn_scores", np.where(seen, scores, -np.inf))
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    pattern = fire(prefix + "hook_pattern", weights / weights.sum(-1, keepdims=True))
    return fire(prefix + "hook_z", (pattern @ values).transpose(1, 0, 2))


def attention(block, x, fire, prefix, rotary_family):
    def heads(linear, count):
        y = linear(x).reshape(len(x), count, block.head_size)
        return y if block.clip is None else np.clip(y, -block.clip, block.clip)

    q = fire(prefix + "attn.hook_q", heads(block.q, block.heads))
    k = fire(prefix + "attn.hook_k", heads(block.k, block.key_heads))
    v = fire(prefix + "attn.hook_v", heads(block.v, block.key_heads))
    if block.q_norm:
        q = fire.norm(block.q_norm, q, prefix + "attn.q_norm")
        k = fire.norm(block.k_norm, k, prefix + "attn.k_norm")
    if rotary_family:
        q = fire(prefix + "attn.hook_rot_q", block.rotary(q) if block.rotary else q)
        k = fire(prefix + "attn.hook_rot_k", block.rotary(k) if block.rotary else k)
    z = attend(block, q, k, v, fire, prefix + "attn.")
    by_head = block.o.weight.reshape(-1, block.heads, block.head_size)  # [D, H, h]
    fire(prefix + "attn.hook_result", np.einsum("phd,mhd->phm", z, by_head))
    return block.o(z.reshape(len(x), -1))


def mlp(block, x, fire, prefix):
    activation = ACTIVATIONS[block.activation]
    if block.gate is None:
        return block.down(fire(prefix + "hook_post", activation(fire(prefix + "hook_pre", block.up(x)))))
    gate = fire(prefix + "hook_pre", block.gate(x))
    up = fire(prefix + "hook_pre_linear", block.up(x))
    return block.down(fire(prefix + "hook_post", activation(gate) * up))


def run_block(block, resid, fire, prefix, rotary_family):
    fire(prefix + "hook_resid_pre", resid)
    x = fire.norm(block.ln1, resid, prefix + "ln1") if block.ln1 else resid
    out = attention(block, x, fire, prefix, rotary_family)
    if block.ln1_post:
        out = fire.norm(block.ln1_post, out, prefix + "ln1_post")
    attn_out = fire(prefix + "hook_attn_out", out * block.multiplier)
    mid = resid if block.parallel else fire(prefix + "hook_resid_mid", resid + attn_out)
    if not block.one_norm:
        x = fire.norm(block.ln2, mid, prefix + "ln2") if block.ln2 else mid
    out = mlp(block, x, fire, prefix + "mlp.")
    if block.ln2_post:
        out = fire.norm(block.ln2_post, out, prefix + "ln2_post")
    mlp_out = fire(prefix + "hook_mlp_out", out * block.multiplier)
    return fire(prefix + "hook_resid_post", mid + mlp_out + (attn_out if block.parallel else 0))


def run(model, ids):
    """{name: array}: hidden_states [L + 1, P, D], logits [P, V], and every hook point in firing order."""
    fire = Points()
    x = model.embed[ids] * model.embed_scale
    if model.embed_norm:
        x = fire.norm(model.embed_norm, x, "embed.ln")
    fire("hook_embed", x)
    if model.position_rows is not None:
        x = x + fire("hook_pos_embed", model.position_rows[: len(ids)])
    states = [x]
    for i, block in enumerate(model.blocks):
        x = run_block(block, x, fire, f"blocks.{i}.", model.rotary_family)
        states.append(x)
    states[-1] = fire("unembed.hook_in", fire.norm(model.final_norm, x, "ln_final"))
    logits = fire("unembed.hook_out", model.unembed(states[-1])) * model.logit_scale
    if model.logit_cap is not None:
        logits = model.logit_cap * np.tanh(logits / model.logit_cap)
    return {"hidden_states": np.stack(states), "logits": logits, **fire.values}
