"""The edits of the oracle: the command line's expression, and the same change in PyTorch.

Each edit is a list of (expression, hook points, function (value, clean, corrupt) -> value); the function acts at each
of the points. `clean` and `corrupt` are the point's values in the unedited run of this text and of the corrupting
text. {steer} and {pair} stand for the files that write_vectors() makes.
"""
import numpy as np
import torch

import safetensors_io


def write_vectors(folder, width, rng):
    """A steering vector as npy, and two as safetensors. Returns their paths and their values."""
    steer, first, second = (rng.normal(0, 1, width).astype(np.float32) for _ in range(3))
    paths = {"steer": folder / "steer.npy", "pair": folder / "pair.safetensors"}
    np.save(paths["steer"], steer)
    safetensors_io.save(paths["pair"], {"first": first, "second": second})
    values = {"steer": steer, "first": first, "second": second}
    return paths, {name: torch.from_numpy(array) for name, array in values.items()}


def assign(index, values):
    def change(value, clean, corrupt):
        edited = value.clone()
        edited[index] = values(value, clean, corrupt)
        return edited

    return change


def without(value, vector):
    vector = vector.to(value.dtype)
    return value - (value @ vector / (vector @ vector)).unsqueeze(-1) * vector


def causal(value, edited):
    """Scores and patterns: keys after the query keep their values."""
    return torch.where(torch.ones(value.shape[-2:], dtype=torch.bool).tril(), edited, value)


def make_inner_edits(layers, length):
    """Of the points inside attention, MLP and norms, and before and after the blocks."""
    block, heads = f"blocks.{layers - 1}.", slice(None)

    def at(point, index, change):
        return [point], assign(index, change)

    def key_edit(point, index, change):
        return [point], lambda v, clean, corrupt: causal(v, assign(index, change)(v, clean, corrupt))

    edits = [
        ("hook_embed[1] *= 2", *at("hook_embed", 1, lambda v, c, x: v[1] * 2)),
        ("transformer.wpe += 0.25", ["hook_pos_embed"], lambda v, c, x: v + 0.25),
        (f"{block}ln1.hook_scale[2:] *= 1.5", *at(f"{block}ln1.hook_scale", slice(2, None), lambda v, c, x: v[2:] * 1.5)),
        ("blocks.0.ln1.hook_normalized.dim[0,2] = 0.5",
         *at("blocks.0.ln1.hook_normalized", (heads, [0, 2]), lambda v, c, x: 0.5)),
        (f"{block}ln2.hook_scale = corrupt", [f"{block}ln2.hook_scale"], lambda v, c, x: x),
        ("blocks.0.ln2.hook_normalized[-1] without mean",
         *at("blocks.0.ln2.hook_normalized", -1, lambda v, c, x: without(v[-1:], c.mean(0))[0])),
        ("transformer.h.0.ln_1[1:] *= 0.5", *at("blocks.0.ln1.hook_out", slice(1, None), lambda v, c, x: v[1:] * 0.5)),
        (f"{block}ln2.hook_out[0] = corrupt", *at(f"{block}ln2.hook_out", 0, lambda v, c, x: x[0])),
        ("blocks.0.attn.hook_q.head[0] *= 2", *at("blocks.0.attn.hook_q", (heads, 0), lambda v, c, x: v[:, 0] * 2)),
        (f"{block}attn.hook_k[0].head[-1] = zero", *at(f"{block}attn.hook_k", (0, -1), lambda v, c, x: 0.0)),
        (f"{block}attn.hook_v[1:3] = mean",
         *at(f"{block}attn.hook_v", slice(1, 3), lambda v, c, x: c.mean(0, keepdim=True).expand(2, -1, -1))),
        ("blocks.0.attn.hook_attn_scores[2].key[0,1] += 3",
         *key_edit("blocks.0.attn.hook_attn_scores", (heads, 2, [0, 1]), lambda v, c, x: v[:, 2, [0, 1]] + 3)),
        (f"{block}attn.hook_attn_scores.head[0] *= 0.5",
         *key_edit(f"{block}attn.hook_attn_scores", 0, lambda v, c, x: v[0] * 0.5)),
        ("blocks.0.attn.hook_attn_scores = corrupt", ["blocks.0.attn.hook_attn_scores"], lambda v, c, x: x),
        ("blocks.0.attn.hook_pattern.key[0] = zero",
         *key_edit("blocks.0.attn.hook_pattern", (heads, heads, 0), lambda v, c, x: 0.0)),
        (f"{block}attn.hook_pattern.head[-1] = 0.125",
         *key_edit(f"{block}attn.hook_pattern", -1, lambda v, c, x: 0.125)),
        (f"{block}attn.hook_pattern[-1] = corrupt[1]",
         *key_edit(f"{block}attn.hook_pattern", (heads, -1), lambda v, c, x: x[:, 1])),
        (f"L{layers - 1}H0 = zero", *at(f"{block}attn.hook_z", (heads, 0), lambda v, c, x: 0.0)),
        ("blocks.0.attn.hook_z[-1].head[0].dim[0] += 4",
         *at("blocks.0.attn.hook_z", (-1, 0, 0), lambda v, c, x: v[-1, 0, 0] + 4)),
        (f"{block}attn.hook_result.head[0] = mean",
         *at(f"{block}attn.hook_result", (heads, 0), lambda v, c, x: c[:, 0].mean(0, keepdim=True).expand(length, -1))),
        ("transformer.h.0.mlp.c_fc.dim[0..2] = -1", *at("blocks.0.mlp.hook_pre", (heads, [0, 1, 2]), lambda v, c, x: -1.0)),
        (f"{block}mlp.hook_post[1] = corrupt[0]", *at(f"{block}mlp.hook_post", 1, lambda v, c, x: x[0])),
        ("ln_final.hook_scale *= 2", ["ln_final.hook_scale"], lambda v, c, x: v * 2),
        ("ln_final.hook_normalized[-1] *= 0.5", *at("ln_final.hook_normalized", -1, lambda v, c, x: v[-1] * 0.5)),
        ("unembed.hook_in = mean", ["unembed.hook_in"], lambda v, c, x: c.mean(0, keepdim=True).expand(length, -1)),
        ("logits[-1].dim[3] += 7", *at("unembed.hook_out", (-1, 3), lambda v, c, x: v[-1, 3] + 7)),
    ]
    return [[edit] for edit in edits]


def make_edits(layers, length, vectors):
    """The edits of a model of `layers` blocks and a text of `length` tokens (4 or more)."""
    assert length >= 4
    last, n = layers - 1, lambda name, value: vectors[name].to(value.dtype)
    post, pre = f"blocks.{last}.hook_resid_post", "blocks.0.hook_resid_pre"
    attn, mid = "blocks.0.hook_attn_out", f"blocks.{last}.hook_resid_mid"
    mlp = "blocks.0.hook_mlp_out"
    every_mlp = [f"blocks.{i}.hook_mlp_out" for i in range(layers)]

    def scale(factor):
        return lambda v, clean, corrupt: v * factor

    return [
        [("blocks.0.hook_resid_post *= 0.8", ["blocks.0.hook_resid_post"], scale(0.8))],
        [("blocks.0.hook_resid_mid *= 1", ["blocks.0.hook_resid_mid"], scale(1.0))],
        [(f"{attn}[1:3] = zero", [attn], assign(slice(1, 3), lambda v, clean, corrupt: 0.0))],
        [(f"{pre} += {{steer}}", [pre], lambda v, clean, corrupt: v + n("steer", v))],
        [
            (
                f"{pre}[-1] += -2.5 * {{pair}}:second",
                [pre],
                assign(-1, lambda v, clean, corrupt: v[-1] - 2.5 * n("second", v)),
            )
        ],
        [(f"{mlp} = mean", [mlp], lambda v, clean, corrupt: clean.mean(0).expand_as(v))],
        [(f"{mlp}[0,2:4] = mean", [mlp], assign([0, 2, 3], lambda v, clean, corrupt: clean.mean(0)))],
        [(f"{mid} without {{steer}}", [mid], lambda v, clean, corrupt: without(v, n("steer", v)))],
        [(f"{mid} without {{pair}}:first", [mid], lambda v, clean, corrupt: without(v, n("first", v)))],
        [(f"{mid}[1:].dim[0,-2] = 0.5", [mid], assign((slice(1, None), [0, -2]), lambda v, clean, corrupt: 0.5))],
        [("blocks.*.hook_mlp_out *= 0.5", every_mlp, scale(0.5))],
        [("transformer.h.0 += 1", ["blocks.0.hook_resid_post"], lambda v, clean, corrupt: v + 1.0)],
        [("hidden_states.1 *= 1.25", ["blocks.1.hook_resid_pre" if layers > 1 else "unembed.hook_in"], scale(1.25))],
        [(f"{attn} = corrupt", [attn], lambda v, clean, corrupt: corrupt)],
        [(f"{pre}[2] = corrupt[0]", [pre], assign(2, lambda v, clean, corrupt: corrupt[0]))],
        # Two edits of one point act in the order given; the third reads the clean mean, not the edited one.
        [
            (f"{mlp} *= 3", [mlp], scale(3.0)),
            (f"{mlp} += {{steer}}", [mlp], lambda v, clean, corrupt: v + n("steer", v)),
            (f"{mlp}[1] = mean", [mlp], assign(1, lambda v, clean, corrupt: clean.mean(0))),
        ],
        [(f"{post} = zero", [post], lambda v, clean, corrupt: torch.zeros_like(v))],
        *make_inner_edits(layers, length),
    ]


def bind(edit, clean, corrupt):
    """The (hook point, value -> value) list that Gpt2.run takes."""
    return [
        (point, lambda value, f=function, p=point: f(value, clean[p], corrupt[p]))
        for _, points, function in edit
        for point in points
    ]
