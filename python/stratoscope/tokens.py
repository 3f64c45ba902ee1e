"""A text's tokens."""
from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Iterator, Optional, Sequence, overload

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# One colour after the other, light enough for dark letters.
_COLORS = ("#dbe9f6", "#fde2c8", "#d9f0d3", "#f6d5e5", "#e5dcf4", "#fbf3c4")


class Tokens(Sequence[str]):
    """A text's tokens: a sequence of their texts.

    text:    the text
    ids:     int32 [pos]
    strings: the tokens' texts; part of a character shows as U+FFFD
    offsets: int64 [pos, 2], where each token begins and ends in the text, in bytes of UTF-8
    bos:     what was asked of the beginning-of-text token: True, False, or None for the model's default
    """

    def __init__(
        self, text: str, ids: ArrayLike, strings: Sequence[str], offsets: Sequence[Any], bos: Optional[bool] = None
    ) -> None:
        self.text = text
        self.ids: NDArray[np.int32] = np.array(ids, np.int32).reshape(-1)
        self.strings = list(strings)
        self.offsets: NDArray[np.int64] = np.array(offsets, np.int64).reshape(-1, 2)
        self.bos = bos

    def __len__(self) -> int:
        return len(self.strings)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        return self.strings[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.strings)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tokens):
            return NotImplemented
        return self.text == other.text and np.array_equal(self.ids, other.ids) and self.strings == other.strings

    def __hash__(self) -> int:
        return hash((self.text, self.ids.tobytes()))

    def __repr__(self) -> str:
        return "Tokens(" + " ".join(repr(string) for string in self.strings) + ")"

    def _repr_html_(self) -> str:
        return chips(self.strings, [f"position {i}, id {id_}" for i, id_ in enumerate(self.ids)])


def chips(strings: Sequence[str], titles: Sequence[str]) -> str:
    """Tokens as coloured chips."""
    cells = []
    for i, (string, title) in enumerate(zip(strings, titles)):
        shown = html.escape(string).replace("\n", "⏎").replace("\t", "⇥").replace(" ", "·")
        style = f"background:{_COLORS[i % len(_COLORS)]};color:#222;border-radius:3px;padding:1px 3px;margin:1px"
        cells.append(
            f'<span title="{html.escape(title)}" style="{style};display:inline-block;font-family:monospace">'
            f"{shown}</span>"
        )
    return f'<div style="line-height:1.9">{"".join(cells)}</div>'
