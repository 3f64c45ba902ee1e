"""How a model is shown: its sizes and the tree of its hook points."""
from __future__ import annotations

import html
from typing import TYPE_CHECKING

from . import hook_points

if TYPE_CHECKING:
    from .model import Model

_SIZES = ("architecture", "n_layers", "n_heads", "d_model", "d_head", "d_mlp", "n_ctx", "d_vocab")


def _title(model: Model) -> str:
    count = len(model._texts) + len(model._functions)
    return model.name + (f", {count} edit{'s' if count > 1 else ''}" if count else "")


def _rows(model: Model) -> list[tuple[str, str]]:
    return [(name, str(getattr(model.config, name))) for name in _SIZES] + [
        ("parameters", f"{model.info['parameters']:,}"),
        ("precision", str(model.info["precision"])),
        ("hash", model.hash),
    ]


def as_text(model: Model) -> str:
    """For a terminal."""
    if model.closed:
        return "Model(closed)"
    sizes = "\n".join(f"  {name:<14}{size}" for name, size in _rows(model))
    tree = "\n".join("  " + line for line in hook_points.tree_text(model.hook_points).splitlines())
    return f"Model({_title(model)})\n{sizes}\nhook points\n{tree}"


def as_html(model: Model) -> str:
    """For a notebook; the tree unfolds."""
    if model.closed:
        return "<p>a closed model</p>"
    rows = "".join(f"<tr><td>{name}</td><td>{html.escape(size)}</td></tr>" for name, size in _rows(model))
    return (
        f"<b>{html.escape(_title(model))}</b><table>{rows}</table>"
        f"<details><summary>{len(model.hook_points)} hook points</summary>"
        f"{hook_points.tree_html(model.hook_points)}</details>"
    )
