"""The result of a forward pass."""
from __future__ import annotations

import html
import json
import re
import weakref
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Optional, Sequence

import numpy as np

from ._arrays import Handle
from ._open_model import RUN_ARRAYS, OpenModel
from .errors import UnknownNameError, UsageError
from .results import Arrays, text_of
from .tokens import Tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEAD = re.compile(r"L\d+H(\d+)(\.\w+)?")  # "L5H3.pattern"
_HEADS = re.compile(r"L.*H|.*\.head\[")  # captures of some heads


def _no_model() -> None:
    """Of a run that was pickled."""


class Run(Mapping[str, "NDArray[Any]"]):
    """A forward pass of one or more texts, whose rows (N in all) lie end to end.

    run["blocks.5.hook_mlp_out"] is a captured value, by any name of its hook point; run["L5H3.pattern"] is one head.
    Arrays are views of the pass's memory: nothing is copied, they may be changed, and they keep the memory for as long as
    one of them lives.

    hidden_states: float32 [n_layers + 1, N, d_model]; entry 0 enters the first block, the last is after the final norm
    logits:        float32 [N, d_vocab], or [sequences, d_vocab] of last positions
    ids:           int32 [N]
    row_offsets:   int64 [sequences + 1], where each text's rows begin
    residual:      float32 [N, d_model], of a run with `stop_at`
    json:          the document of the run: tokens, names, the effect of edits

    In precision fp64 the numbers are float64.
    """

    def __init__(
        self,
        handle: Optional[Handle],
        model: Optional[OpenModel] = None,
        captured: Sequence[str] = (),
        text: str = "",
        arrays: Optional[Arrays] = None,
    ) -> None:
        self._text = text if handle is None else text_of(handle)
        # Of the model it needs other names of hook points; it does not keep it open.
        self._model: Callable[[], Optional[OpenModel]] = _no_model
        if model is not None:
            self._model = weakref.ref(model)
        self._asked = list(captured)
        self._arrays = Arrays(handle) if arrays is None else arrays
        self._document: Optional[dict[str, Any]] = None

    @property
    def json(self) -> dict[str, Any]:
        if self._document is None:
            self._document = json.loads(self._text)
        return self._document

    def _own(self, name: str, remedy: str) -> NDArray[Any]:
        if name not in self._arrays:
            raise UsageError(f"the run has no {name}", "run", remedy)
        return self._arrays[name]

    @property
    def hidden_states(self) -> NDArray[Any]:
        return self._own("hidden_states", "leave out hidden_states=False and stop_at")

    @property
    def logits(self) -> NDArray[Any]:
        return self._own("logits", 'leave out logits="none" and stop_at')

    @property
    def residual(self) -> NDArray[Any]:
        return self._own("residual", "a run with stop_at has it")

    @property
    def ids(self) -> NDArray[np.int32]:
        return self._own("ids", "")

    @property
    def row_offsets(self) -> NDArray[np.int64]:
        return self._own("row_offsets", "")

    @property
    def effect(self) -> Optional[dict[str, Any]]:
        """How far edits moved the prediction: "kl" (nats) and "max_change" (of a logit); of a run with effect=True."""
        found: Optional[dict[str, Any]] = self.json.get("effect")
        return found

    @property
    def warnings(self) -> list[str]:
        return list(self.json.get("warnings", []))

    @property
    def sequences(self) -> list[Tokens]:
        """The tokens of each text."""
        ids, offsets = self.ids, self.row_offsets
        return [
            Tokens(entry.get("text", ""), ids[begin:end], entry["tokens"], entry.get("offsets", [(0, 0)] * (end - begin)))
            for entry, begin, end in zip(self.json["sequences"], offsets[:-1], offsets[1:])
        ]

    def rows(self, sequence: int) -> slice:
        """The rows of one text: run.hidden_states[:, run.rows(1)]."""
        begin, end = self.row_offsets[:-1][sequence], self.row_offsets[1:][sequence]
        return slice(int(begin), int(end))

    def _captured(self) -> list[str]:
        return [name for name in self._arrays if name not in RUN_ARRAYS]

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name in self._arrays:
            return self._arrays[name]
        if name.endswith("]"):
            raise UnknownNameError(f"'{name}' names a part", "run", "index the array of the whole hook point")
        model = self._model()
        meant = model.meant_by(name) if model else []
        if len(meant) > 1:
            hint = "ask for one of " + ", ".join(meant[:6])
            raise UnknownNameError(f"'{name}' means {len(meant)} values", "run", hint)
        if not meant or meant[0] not in self._arrays:
            captured = ", ".join(self._captured()[:6]) or "nothing"
            raise UnknownNameError(
                f"'{name}' was not captured", "run", f'capture=["{name}"] keeps it; the run has {captured}'
            )
        value = self._arrays[meant[0]]
        match = _HEAD.fullmatch(name)
        if match:
            return self._of_head(value, name, meant[0], int(match[1]))
        return value

    def _of_head(self, value: NDArray[Any], name: str, point: str, head: int) -> NDArray[Any]:
        """One head of a value that has all heads, or the one that was captured alone."""
        axis = 0 if point.endswith(("hook_attn_scores", "hook_pattern")) else 1
        model = self._model()
        found, n_heads = value.shape[axis], model.info()["config"]["n_heads"] if model else 1
        if name in self._asked and found == 1:
            index = 0
        elif n_heads % found == 0 and not any(_HEADS.match(asked) for asked in self._asked):
            index = head * found // n_heads  # several heads of queries may share one of keys and values
        else:
            raise UnknownNameError(f"{point} has heads of its own choice", "run", f'index the array: run["{point}"]')
        part: NDArray[Any] = value[index] if axis == 0 else value[:, index]
        return part

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and self[name] is not None
        except (KeyError, ValueError):
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._captured())

    def __len__(self) -> int:
        return len(self._captured())

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return "Run\n" + "\n".join(f"  {line}" for line in repr(self._arrays).splitlines())

    def _repr_html_(self) -> str:
        lines = "".join(
            f"<tr><td><code>{html.escape(name)}</code></td><td>{array.dtype}</td><td>{list(array.shape)}</td></tr>"
            for name, array in self._arrays.items()
        )
        return f"<table><tr><th>array</th><th>numbers</th><th>shape</th></tr>{lines}</table>"

    def __reduce__(self) -> tuple[Any, ...]:
        kept = Arrays(None, {name: np.array(array) for name, array in self._arrays.items()})
        return Run, (None, None, (), self._text, kept)
