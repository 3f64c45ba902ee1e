"""Edits: changes of the value at a hook point before the result is read.

An edit is a text in the language of the command line (docs/command-line.md), an object of this module, or, for `run`
and `run_with_cache` alone, a Python function by hook point: {"blocks.5.hook_mlp_out": lambda value: 0.8 * value}.
"""
from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Optional, Union

import numpy as np

from .errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

EditFunction = Callable[["NDArray[Any]"], "ArrayLike"]
Indices = Union[int, slice, str, Iterable[int]]  # an index, a slice, a list as in texts ("2:5,-1"), or indices


def index_list(indices: Indices) -> str:
    """Indices in the language of the command line: slice(2, 5) is "2:5"."""
    if isinstance(indices, str):
        return indices
    if isinstance(indices, slice):
        if indices.step not in (None, 1):
            raise UsageError("a slice of positions has no step", "edit", "give the positions as a list")
        start = "" if indices.start is None else str(int(indices.start))
        stop = "" if indices.stop is None else str(int(indices.stop))
        return f"{start}:{stop}" if start or stop else "all"
    if isinstance(indices, (int, np.integer)):
        return str(int(indices))
    return ",".join(str(int(index)) for index in indices)


@dataclass(frozen=True)
class Edit:
    """The base of the edits below.

    hook:      a hook point: TransformerLens's or Hugging Face's name, a short name, or a glob
    positions: the tokens (of scores and patterns: the queries); None for all
    head, key: heads and keys, at hook points that have them
    dim:       numbers of the last axis
    top, bottom, random: the largest, the smallest or random numbers of each row, as many as 20 or "8%"; `seed` of random

    A list may have texts in double quotes: positions='"king"' are those of the tokens that this text covers, and at the
    logits dim='" coffee"' is that token.
    """

    hook: str
    positions: Optional[Indices] = None
    head: Optional[Indices] = None
    key: Optional[Indices] = None
    dim: Optional[Indices] = None
    top: Union[int, str, None] = None
    bottom: Union[int, str, None] = None
    random: Union[int, str, None] = None
    seed: int = 0

    def _place(self) -> str:
        text = self.hook
        if self.positions is not None:
            text += f"[{index_list(self.positions)}]"
        for name in ("head", "key", "dim"):
            chosen = getattr(self, name)
            if chosen is not None:
                text += f".{name}[{index_list(chosen)}]"
        for name in ("top", "bottom", "random"):
            amount = getattr(self, name)
            if amount is not None:
                text += f".{name}[{amount}, {int(self.seed)}]" if name == "random" else f".{name}[{amount}]"
        return text

    def text(self, files: _Files) -> str:
        """The edit as a text; vectors are written to files first."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.text(_Files(None))


@dataclass(frozen=True)
class Scale(Edit):
    """The value times a number."""

    factor: float = 1.0

    def text(self, files: _Files) -> str:
        return f"{self._place()} *= {_number(self.factor)}"


@dataclass(frozen=True)
class Add(Edit):
    """A number, a vector (as long as the last axis) or a matrix (a row for each position), times `strength`, is added."""

    value: Any = 0.0
    strength: float = 1.0

    def text(self, files: _Files) -> str:
        return f"{self._place()} += {_value(self.value, self.strength, files)}"


@dataclass(frozen=True)
class Set(Edit):
    """A number, a vector (as long as the last axis) or a matrix (a row for each position) takes the value's place."""

    value: Any = 0.0

    def text(self, files: _Files) -> str:
        return f"{self._place()} = {_value(self.value, 1.0, files)}"


@dataclass(frozen=True)
class Zero(Edit):
    """Zero takes the value's place."""

    def text(self, files: _Files) -> str:
        return f"{self._place()} = zero"


@dataclass(frozen=True)
class Mean(Edit):
    """The mean over all positions of the clean run takes the value's place; with `of_row` the mean of the row's numbers."""

    of_row: bool = False

    def text(self, files: _Files) -> str:
        return f"{self._place()} = mean{'(dim)' if self.of_row else ''}"


@dataclass(frozen=True)
class Median(Edit):
    """As Mean, with the median."""

    of_row: bool = False

    def text(self, files: _Files) -> str:
        return f"{self._place()} = median{'(dim)' if self.of_row else ''}"


@dataclass(frozen=True)
class Mix(Edit):
    """A weighted sum of the clean run's value, the corrupt run's, and the mean over the clean run's positions."""

    clean: float = 0.0
    corrupt: float = 0.0
    mean: float = 0.0

    def text(self, files: _Files) -> str:
        weights = {name: float(getattr(self, name)) for name in ("clean", "corrupt", "mean")}
        terms = [f"{weight!r} * {name}" for name, weight in weights.items() if weight]
        return f"{self._place()} = {' + '.join(terms) or 'zero'}"


@dataclass(frozen=True)
class Noise(Edit):
    """Normally distributed numbers are added, the same for the same `noise_seed`, hook point, position and index."""

    deviation: float = 1.0
    noise_seed: int = 0

    def text(self, files: _Files) -> str:
        return f"{self._place()} += noise({_number(self.deviation)}, {int(self.noise_seed)})"


@dataclass(frozen=True)
class Patch(Edit):
    """The same place in the run of the corrupt text, or its position `source`, takes the value's place."""

    source: Optional[int] = None

    def text(self, files: _Files) -> str:
        return f"{self._place()} = corrupt" + ("" if self.source is None else f"[{int(self.source)}]")


@dataclass(frozen=True)
class Without(Edit):
    """The component along a vector (as long as the last axis), or in the span of a matrix's rows, is taken away."""

    vector: Any = None

    def text(self, files: _Files) -> str:
        return f"{self._place()} without {files.name(self.vector)}"


OneEdit = Union[str, Edit]
Edits = Union[OneEdit, Iterable[OneEdit], Mapping[str, Union[EditFunction, Iterable[EditFunction]]], None]


def _number(value: Any) -> str:
    return repr(float(value))


def _value(value: Any, strength: float, files: _Files) -> str:
    if isinstance(value, str) or np.ndim(value) > 0:
        name = files.name(value)
        return name if strength == 1.0 else f"{_number(strength)} * {name}"
    return _number(float(value) * strength)


class _Files:
    """Vectors as files, for as long as a call lasts; without a stack they are only named."""

    def __init__(self, stack: Optional[ExitStack]) -> None:
        self._stack = stack
        self._folder = ""
        self._count = 0

    def name(self, vector: Any) -> str:
        if isinstance(vector, str):  # "file.npy" or "file.safetensors:tensor"
            return vector
        array = np.ascontiguousarray(vector)
        if not 1 <= array.ndim <= 3 or array.dtype.kind not in "fiu":
            raise UsageError(f"a vector has one to three axes of numbers, not the shape {array.shape} of {array.dtype}", "edit")
        if self._stack is None:
            return f"<vector of {' × '.join(map(str, array.shape))}>"
        if not self._folder:
            import tempfile

            self._folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="stratoscope-"))
        path = os.path.join(self._folder, f"{self._count}.npy")
        self._count += 1
        np.save(path, array if array.dtype.itemsize >= 4 else array.astype(np.float32), allow_pickle=False)
        return path


def split(edits: Edits) -> tuple[list[OneEdit], list[tuple[str, EditFunction]]]:
    """Texts and objects, in order, and functions with their hook points."""
    if edits is None:
        return [], []
    if isinstance(edits, (str, Edit)):
        return [edits], []
    if isinstance(edits, Mapping):
        functions: list[tuple[str, EditFunction]] = []
        for hook, given in edits.items():
            for function in [given] if callable(given) else list(given):
                if not callable(function):
                    raise UsageError(f"the edit of {hook} is no function but a {type(function).__name__}", "edit")
                functions.append((str(hook), function))
        return [], functions
    texts: list[OneEdit] = []
    for edit in edits:
        if not isinstance(edit, (str, Edit)):
            raise UsageError(
                f"an edit is a text or one of stratoscope's edits, not a {type(edit).__name__}",
                "edit",
                'give functions by hook point: {"blocks.5.hook_mlp_out": function}',
            )
        texts.append(edit)
    return texts, []


def as_texts(edits: Iterable[OneEdit], stack: ExitStack) -> list[str]:
    """The edits as texts, with files of vectors that live as long as the stack."""
    files = _Files(stack)
    return [edit if isinstance(edit, str) else edit.text(files) for edit in edits]


def apply(function: EditFunction, hook: str, value: NDArray[Any]) -> None:
    """Gives the function a copy and writes what it returns into the value."""
    made = function(value.copy())
    if made is None:
        raise UsageError(f"the function that edits {hook} returned None", "edit", "let it return an array")
    array = np.asarray(made)
    if array.dtype.kind not in "fiub":
        raise UsageError(f"the function that edits {hook} returned {array.dtype}, not numbers", "edit")
    try:
        np.copyto(value, array, casting="same_kind" if array.dtype.kind == "f" else "unsafe")
    except ValueError:
        raise UsageError(
            f"the function that edits {hook} returned the shape {array.shape} for {value.shape}", "edit"
        ) from None
