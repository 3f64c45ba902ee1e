"""A model's sizes."""
from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Mapping


@dataclass(frozen=True)
class Config:
    """A model's sizes, by TransformerLens's names. `all` has every entry of `stratoscope info --json`."""

    architecture: str
    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    n_ctx: int
    d_vocab: int
    n_key_value_heads: int
    positional_embedding_type: str
    normalization_type: str
    all: Mapping[str, Any] = field(repr=False, compare=False)

    def __getattr__(self, name: str) -> Any:
        # Entries of some families alone, such as parallel_attn_mlp.
        if name != "all" and name in self.all:
            return self.all[name]
        raise AttributeError(f"the model's configuration has no {name}")


def from_json(entries: Mapping[str, Any]) -> Config:
    named = [f.name for f in fields(Config) if f.name != "all"]
    return Config(**{name: entries.get(name) for name in named}, all=dict(entries))  # type: ignore[arg-type]
