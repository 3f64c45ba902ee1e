"""Where a family's tensors come from: random numbers when a checkpoint is made, its files when it is read.

A family asks for each tensor by its name in the causal model and by its shape, so one function serves both.
"""
import json

import numpy as np

import safetensors_io
from decoder import Linear, Norm


class Source:
    def linear(self, name, rows, columns, bias=False, gain=1.0):
        weight = self.tensor(name + ".weight", (rows, columns), gain / columns**0.5)
        return Linear(weight, self.tensor(name + ".bias", (rows,), 0.2) if bias else None)

    def norm(self, name, kind, eps, shape, bias=False, plus_one=False, wide=False):
        weight = self.tensor(name + ".weight", np.atleast_1d(shape), 0.3, 0.0 if plus_one else 1.0) + plus_one
        return Norm(kind, eps, weight, self.tensor(name + ".bias", np.atleast_1d(shape), 0.2) if bias else None, wide)


ALIASES = {"embed_out.weight": "lm_head.weight"}


class RandomSource(Source):
    def __init__(self, rng):
        self.rng, self.tensors = rng, {}

    def tensor(self, name, shape, deviation, mean=0.0):
        assert name not in self.tensors, name
        self.tensors[name] = self.rng.normal(mean, deviation, tuple(shape)).astype(np.float32)
        return self.tensors[name].astype(np.float64)


class StoredSource(Source):
    """`prefixes` are the possible prefixes in a file; the first is that of the causal model's names."""

    def __init__(self, folder, prefixes):
        index = folder / "model.safetensors.index.json"
        names = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else ["model.safetensors"]
        self.prefixes, self.tensors = prefixes, {}
        for name in names:
            self.tensors |= safetensors_io.load(folder / name)

    def tensor(self, name, shape, *_):
        own = self.prefixes[0]
        spellings = [name, ALIASES.get(name)] + [other + name.removeprefix(own) for other in self.prefixes if name.startswith(own)]
        found = next(spelling for spelling in spellings if spelling in self.tensors)
        assert self.tensors[found].shape == tuple(shape), (found, self.tensors[found].shape, shape)
        return self.tensors[found].astype(np.float64)
