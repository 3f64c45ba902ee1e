"""Results of experiments: a document, arrays, a table and a figure."""
from __future__ import annotations

import copy
import ctypes
import json
import os
import warnings
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Optional, Sequence

import numpy as np

from . import _calls, figures, tables
from ._arrays import Handle, view
from ._library import ArrayStruct, library
from .errors import StratoscopeWarning, UnknownNameError, UsageError, in_python

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas
    from numpy.typing import NDArray

_FORMATS = ("svg", "png", "pdf", "html", "vl.json", "csv", "json")


class Arrays(Mapping[str, "NDArray[Any]"]):
    """Named arrays of a result: views of its memory, made when they are asked for."""

    def __init__(self, handle: Optional[Handle], kept: Optional[Mapping[str, NDArray[Any]]] = None) -> None:
        self._handle = handle
        self._kept: dict[str, NDArray[Any]] = dict(kept or {})
        self._index: dict[str, int] = {name: i for i, name in enumerate(self._kept)}
        if handle is None:
            return
        array = ArrayStruct()
        for i in range(library().stratoscope_result_array_count(handle.pointer)):
            _calls.call("result_array", handle.pointer, i, ctypes.byref(array))
            self._index[array.name.decode()] = i

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._index:
            raise UnknownNameError(f"there is no array '{name}'", "result", "there are " + ", ".join(self._index))
        if name not in self._kept and self._handle is not None:
            array = ArrayStruct()
            _calls.call("result_array", self._handle.pointer, self._index[name], ctypes.byref(array))
            self._kept[name] = view(array, self._handle)
        return self._kept[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {array.dtype} {list(array.shape)}" for name, array in self.items())


class Result:
    """The result of an experiment.

    json:    the document of the command line's --json, as a dictionary; what is not finite is None there
    arrays:  every array of the result by its name, with the bits of the computation; `result["name"]` is one of them
    values:  the array that the experiment is about (docs/python.md lists them)
    data:    a table: columns by their names
    effect:  how far edits moved the prediction: "kl" (nats) and "max_change" (of a logit); None without edits
    warnings: remarks, such as an edit without effect
    """

    def __init__(
        self,
        experiment: str,
        text: str,
        handle: Optional[Handle],
        arrays: Optional[Mapping[str, NDArray[Any]]] = None,
        drawn: Optional[Mapping[str, str]] = None,
    ) -> None:
        self.experiment = experiment
        self._text = text
        self._handle = handle
        self._document: Optional[dict[str, Any]] = None
        self._drawn: dict[str, str] = dict(drawn or {})
        self.arrays = Arrays(handle, arrays)

    @property
    def json(self) -> dict[str, Any]:
        if self._document is None:
            self._document = json.loads(self._text)
        return self._document

    @property
    def values(self) -> NDArray[Any]:
        name = tables.main_array(self.experiment, self.json, self.arrays)
        return self.arrays[name]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table, row by row."""
        return tables.rows(self.experiment, self.json)

    @property
    def data(self) -> dict[str, list[Any]]:
        return tables.columns(self.rows)

    @property
    def effect(self) -> Optional[dict[str, Any]]:
        found: Optional[dict[str, Any]] = self.json.get("effect")
        return found

    @property
    def warnings(self) -> list[str]:
        return list(self.json.get("warnings", []))

    @property
    def clean(self) -> float:
        """The metric without edits, of experiments that compare with it."""
        value = self.json.get("clean")
        if isinstance(value, dict):
            value = value.get("value")
        if value is None:
            raise UsageError(f"a result of {self.experiment} has no clean value", "result")
        return float(value)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def to_pandas(self) -> pandas.DataFrame:
        """The table as a DataFrame; needs pandas."""
        import pandas

        return pandas.DataFrame(self.data)

    def figure(self, format: str = "svg", theme: str = "light") -> bytes:
        """The figure as a file's bytes: "svg", "png", "pdf", "html", "vl.json" or "csv"; theme "light" or "dark".

        Raises UsageError for a result without a figure, and for another format or theme.
        """
        if theme not in ("light", "dark"):
            raise UsageError(f"there is no theme '{theme}'", "figure", "light or dark")
        if self._handle is None:
            kept = self._drawn.get(f"{format} {theme}")
            if kept is None:
                raise UsageError("a result that was pickled has its figure as svg and vl.json, light, alone", "figure")
            return kept.encode()
        pointer, size = ctypes.c_void_p(), ctypes.c_size_t()
        _calls.call(
            "result_figure",
            self._handle.pointer,
            format.encode(),
            theme.encode(),
            ctypes.byref(pointer),
            ctypes.byref(size),
        )
        return ctypes.string_at(pointer.value or 0, size.value) if size.value else b""

    @property
    def vega_lite(self) -> dict[str, Any]:
        """The figure as a Vega-Lite 5 specification."""
        found: dict[str, Any] = json.loads(self.figure("vl.json"))
        return found

    def save(self, path: str | os.PathLike[str], theme: str = "light") -> None:
        """Saves the figure, or the document: the path ends in .svg, .png, .pdf, .html, .vl.json, .csv or .json."""
        name = os.fspath(path)
        format = next((f for f in _FORMATS if name.endswith("." + f)), None)
        if format is None:
            raise UsageError(f"'{name}' has an ending that no figure has", "save", "one of ." + ", .".join(_FORMATS))
        content = self._text.encode() if format == "json" else self.figure(format, theme)
        with open(name, "wb") as file:
            file.write(content)

    def matplotlib(self, ax: Optional[matplotlib.axes.Axes] = None, panel: int = 0) -> matplotlib.axes.Axes:
        """One panel of the figure, drawn by Matplotlib on `ax` or on new axes, to be changed as any other plot."""
        from ._matplotlib import draw

        return draw(self.vega_lite, ax, panel)

    def has_figure(self) -> bool:
        """Whether the result has a figure."""
        try:
            self.figure("vl.json")
        except (UsageError, ValueError):
            return False
        return True

    def __repr__(self) -> str:
        return tables.as_text(self.experiment, self.json)

    def _repr_mimebundle_(
        self, include: Optional[Sequence[str]] = None, exclude: Optional[Sequence[str]] = None
    ) -> dict[str, Any]:
        return figures.bundle(self, include, exclude)

    def __reduce__(self) -> tuple[Any, ...]:
        drawn = dict(self._drawn)
        if self._handle is not None and self.has_figure():
            drawn = {f"{format} light": self.figure(format).decode() for format in ("svg", "vl.json")}
        arrays = {name: np.array(array) for name, array in self.arrays.items()}
        return type(self), (self.experiment, self._text, None, arrays, drawn)

    def __copy__(self) -> Result:
        return type(self)(self.experiment, self._text, self._handle, None if self._handle else self.arrays, self._drawn)

    def __deepcopy__(self, memo: dict[int, Any]) -> Result:
        rebuild, arguments = self.__reduce__()
        made: Result = rebuild(*copy.deepcopy(arguments, memo))
        return made


def text_of(handle: Handle) -> str:
    """The document of a result."""
    text: bytes = library().stratoscope_result_json(handle.pointer)
    return text.decode("utf-8")


def warn(found: Sequence[str]) -> None:
    """Tells the caller of the method that asked."""
    for warning in found:
        warnings.warn(in_python(warning), StratoscopeWarning, stacklevel=4)
