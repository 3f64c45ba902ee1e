"""GPT-2 as PyTorch users run it: modules, float32, eager attention, every hidden state and all logits.

For timing and for the export to ONNX; tests/oracle/gpt2/gpt2.py is the reference that records every hook point.
"""
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "oracle" / "gpt2"))
import safetensors_io


class Conv1D(nn.Module):
    """A linear layer whose weight is stored [in, out]."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(n_in, n_out)), nn.Parameter(torch.empty(n_out))

    def forward(self, x):
        return torch.addmm(self.bias, x, self.weight)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.divisor = heads, math.sqrt(width // heads)
        self.c_attn, self.c_proj = Conv1D(width, 3 * width), Conv1D(width, width)

    def forward(self, x):
        length, width = x.shape
        # [head, pos, d_head]
        q, k, v = (t.view(length, self.heads, -1).transpose(0, 1) for t in self.c_attn(x).split(width, dim=-1))
        pos = torch.arange(length)  # a mask by comparison, so that ONNX takes any length
        future = pos[None, :] > pos[:, None]
        scores = (torch.matmul(q, k.transpose(1, 2)) / self.divisor).masked_fill(future, -math.inf)
        z = torch.matmul(F.softmax(scores, dim=-1), v)
        return self.c_proj(z.transpose(0, 1).reshape(length, width))


class Mlp(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.c_fc, self.c_proj = Conv1D(width, inner), Conv1D(inner, width)

    def forward(self, x):
        x = self.c_fc(x)
        x = 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))
        return self.c_proj(x)


class Block(nn.Module):
    def __init__(self, width, heads, inner, eps):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width, eps), Attention(width, heads)
        self.ln_2, self.mlp = nn.LayerNorm(width, eps), Mlp(width, inner)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Gpt2(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, eps = config["n_embd"], config["layer_norm_epsilon"]
        self.wte, self.wpe = nn.Embedding(config["vocab_size"], width), nn.Embedding(config["n_positions"], width)
        inner = config["n_inner"] or 4 * width
        self.h = nn.ModuleList(Block(width, config["n_head"], inner, eps) for _ in range(config["n_layer"]))
        self.ln_f = nn.LayerNorm(width, eps)

    def forward(self, ids):
        """ids [N] -> hidden states [n_layer + 1, N, n_embd], the last after the final norm, and logits [N, vocab]."""
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[0]))
        hidden_states = []
        for block in self.h:
            hidden_states.append(x)
            x = block(x)
        x = self.ln_f(x)
        return torch.stack([*hidden_states, x]), F.linear(x, self.wte.weight)


def load(folder):
    """Reads a folder as bench/make_checkpoint.py writes it: tied embeddings, gelu_new, no prefix."""
    folder = pathlib.Path(folder)
    # No random numbers for weights that the file's replace.
    nn.init.normal_ = lambda tensor, *_, **__: tensor
    model = Gpt2(json.loads((folder / "config.json").read_text()))
    weights = safetensors_io.load(folder / "model.safetensors")
    for name, parameter in model.named_parameters():
        parameter.data = torch.from_numpy(weights[name])
    return model.eval().requires_grad_(False)
