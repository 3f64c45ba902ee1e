"""GPT-2's forward pass in PyTorch, step by step as Hugging Face's GPT2LMHeadModel computes it (eager attention).

Run in float64 it is the reference; in float32 it is what a PyTorch user gets, whose error ours is measured against.
Every hook point is returned under its name. Written from the published architecture, not from the C++ code.
"""
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

import safetensors_io

ACTIVATIONS = {
    "gelu_new": lambda x: 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0)))),
    "gelu": F.gelu,
    "relu": F.relu,
}


class Gpt2:
    def __init__(self, config, weights, dtype=torch.float64):
        """`config` is config.json's content; `weights` {name: ndarray} as stored, any prefix, any format."""
        self.config, self.dtype = config, dtype
        self.weights = {}
        for name, array in weights.items():
            short = name[len("transformer.") :] if name.startswith("transformer.") else name
            if not short.endswith((".attn.bias", ".attn.masked_bias")):  # buffers of old files, not weights
                self.weights[short] = torch.from_numpy(array).to(dtype)

    @classmethod
    def from_folder(cls, folder, dtype=torch.float64):
        folder = Path(folder)
        config = json.loads((folder / "config.json").read_text())
        return cls(config, safetensors_io.load(folder / "model.safetensors"), dtype)

    def run(self, input_ids, edits=()):
        """Returns {hook point: tensor}, also with `hidden_states` and `logits`.

        `edits` is a list of (hook point, function value -> value), applied in this order.
        """
        with torch.no_grad():
            self._values, self._edits, self._unused = {}, list(edits), {name for name, _ in edits}
            logits = self._forward(torch.as_tensor(input_ids, dtype=torch.long))
        if self._unused:
            raise ValueError(f"edits that never fired: {sorted(self._unused)}")
        values = self._values
        layers = self.config["n_layer"]
        entries = [values[f"blocks.{i}.hook_resid_pre"] for i in range(layers)] + [values["unembed.hook_in"]]
        return {**values, "hidden_states": torch.stack(entries), "logits": logits}

    # A point on the path: edits in the order given, then the record.
    def _point(self, name, value):
        for target, function in self._edits:
            if target == name:
                value = function(value)
                self._unused.discard(name)
        self._values[name] = value.clone()
        return value

    def _is_edited(self, *names):
        return any(target in names for target, _ in self._edits)

    def _linear(self, name, x):
        # Conv1D: the weight is stored [in, out].
        return torch.addmm(self.weights[name + ".bias"], x, self.weights[name + ".weight"])

    def _norm(self, name, point, x):
        eps = self.config.get("layer_norm_epsilon", 1e-5)
        weight, bias = self.weights[name + ".weight"], self.weights[name + ".bias"]
        centred = x - x.mean(-1, keepdim=True)
        scale = self._point(point + ".hook_scale", torch.sqrt(centred.pow(2).mean(-1, keepdim=True) + eps))
        normalized = self._point(point + ".hook_normalized", centred / scale)
        if self._is_edited(point + ".hook_scale", point + ".hook_normalized"):
            normed = normalized * weight + bias
        else:
            normed = F.layer_norm(x, x.shape[-1:], weight, bias, eps)  # what users of PyTorch run
        return normed if point == "ln_final" else self._point(point + ".hook_out", normed)

    def _forward(self, ids):
        positions = torch.arange(len(ids))
        embed = self._point("hook_embed", F.embedding(ids, self.weights["wte.weight"]))
        pos_embed = self._point("hook_pos_embed", F.embedding(positions, self.weights["wpe.weight"]))
        residual = embed + pos_embed
        for layer in range(self.config["n_layer"]):
            residual = self._block(layer, residual)
        final = self._point("unembed.hook_in", self._norm("ln_f", "ln_final", residual))
        unembedding = self.weights.get("lm_head.weight", self.weights["wte.weight"])
        return self._point("unembed.hook_out", F.linear(final, unembedding))

    def _block(self, layer, x):
        here, there = f"blocks.{layer}.", f"h.{layer}."
        x = self._point(here + "hook_resid_pre", x)
        attn_out = self._attention(layer, self._norm(there + "ln_1", here + "ln1", x))
        x = self._point(here + "hook_resid_mid", x + self._point(here + "hook_attn_out", attn_out))
        pre = self._linear(there + "mlp.c_fc", self._norm(there + "ln_2", here + "ln2", x))
        pre = self._point(here + "mlp.hook_pre", pre)
        activation = ACTIVATIONS[self.config.get("activation_function", "gelu_new")]
        post = self._point(here + "mlp.hook_post", activation(pre))
        mlp_out = self._point(here + "hook_mlp_out", self._linear(there + "mlp.c_proj", post))
        return self._point(here + "hook_resid_post", x + mlp_out)

    def _attention(self, layer, x):
        here, there = f"blocks.{layer}.attn.", f"h.{layer}.attn."
        length, width = x.shape
        heads = self.config["n_head"]
        size = width // heads
        thirds = self._linear(there + "c_attn", x).split(width, dim=-1)
        # [pos, head, d_head]
        q, k, v = (self._point(f"{here}hook_{n}", t.view(length, heads, size)) for n, t in zip("qkv", thirds))
        scores = torch.matmul(q.transpose(0, 1), k.permute(1, 2, 0))  # [head, query, key]
        if self.config.get("scale_attn_weights", True):
            scores = scores / torch.full([], size**0.5, dtype=self.dtype)
        if self.config.get("scale_attn_by_inverse_layer_idx", False):
            scores = scores / float(layer + 1)
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        scores = self._point(here + "hook_attn_scores", scores.masked_fill(future, -math.inf))
        pattern = self._point(here + "hook_pattern", F.softmax(scores, dim=-1))
        z = self._point(here + "hook_z", torch.matmul(pattern, v.transpose(0, 1)).transpose(0, 1))
        by_head = self.weights[there + "c_proj.weight"].view(heads, size, width)
        result = self._point(here + "hook_result", torch.einsum("phe,hed->phd", z, by_head))
        if self._is_edited(here + "hook_result"):
            return result.sum(1) + self.weights[there + "c_proj.bias"]
        return self._linear(there + "c_proj", z.reshape(length, width))


def row_errors(values, reference):
    """The largest error of each row (last axis) relative to the row's largest magnitude in float64 `reference`.

    Entries that are -inf in the reference (the causal mask) must be -inf in `values` and count nowhere else.
    """
    values, reference = values.to(torch.float64), reference.to(torch.float64)
    if values.shape != reference.shape:
        raise ValueError(f"shape {list(values.shape)}, expected {list(reference.shape)}")
    masked = torch.isinf(reference)
    if not torch.equal(masked, torch.isinf(values)):
        return torch.full(values.shape[:-1], math.inf)
    zero = torch.zeros((), dtype=torch.float64)
    error = torch.where(masked, zero, (values - reference).abs()).amax(-1)
    magnitude = torch.where(masked, zero, reference.abs()).amax(-1)
    # A row of zeros (relu) has no scale: any error there is an infinite relative error.
    return torch.where(error == 0, zero, error / magnitude)
