"""The hook points of a model, and how they are shown."""
from __future__ import annotations

import html
import re
from typing import Any, Iterator, NamedTuple, Sequence, Union


class HookPoint(NamedTuple):
    """A value of the forward pass that has a name.

    name:  TransformerLens's: "blocks.5.hook_mlp_out"
    shape: of one text; "pos" stands for the number of its tokens
    axes:  the names of the axes: ("pos", "d_model")
    scope: "before_blocks", "block" or "after_blocks"
    """

    name: str
    shape: tuple[Union[int, str], ...]
    axes: tuple[str, ...]
    scope: str

    def __str__(self) -> str:
        return f"{self.name} [{', '.join(str(size) for size in self.shape)}]"


def from_json(points: Sequence[dict[str, Any]]) -> list[HookPoint]:
    return [HookPoint(p["name"], tuple(p["shape"]), tuple(p["axes"]), p["scope"]) for p in points]


def _groups(points: Sequence[HookPoint]) -> Iterator[tuple[str, list[HookPoint]]]:
    """Points in firing order; equal blocks share a group: ("blocks.0 … blocks.11", points of block 0)."""
    blocks: dict[str, list[HookPoint]] = {}
    for point in points:
        match = re.match(r"blocks\.\d+", point.name)
        blocks.setdefault(match[0] if match else point.scope, []).append(point)
    shared: list[tuple[list[str], list[HookPoint]]] = []
    for key, members in blocks.items():
        inner = [point._replace(name=point.name[len(key) + 1 :]) for point in members] if "." in key else members
        if shared and "." in key and shared[-1][1] == inner:
            shared[-1][0].append(key)
        else:
            shared.append(([key], inner))
    for keys, members in shared:
        if "." not in keys[0]:
            yield "", members
        else:
            yield keys[0] if len(keys) == 1 else f"{keys[0]} … {keys[-1]}", members


def tree_text(points: Sequence[HookPoint]) -> str:
    """The hook points as an indented list."""
    lines = []
    for title, members in _groups(points):
        if title:
            lines.append(title)
        lines += [("  " if title else "") + str(point) for point in members]
    return "\n".join(lines)


def tree_html(points: Sequence[HookPoint]) -> str:
    """The hook points as a list whose blocks unfold."""
    parts = []
    for title, members in _groups(points):
        items = "".join(
            f"<li><code>{html.escape(point.name)}</code> <small>[{html.escape(', '.join(map(str, point.shape)))}] "
            f"{html.escape(' × '.join(point.axes))}</small></li>"
            for point in members
        )
        listing = f'<ul style="margin:0">{items}</ul>'
        if title:
            listing = f"<details><summary><code>{html.escape(title)}</code></summary>{listing}</details>"
        parts.append(listing)
    return "".join(parts)
