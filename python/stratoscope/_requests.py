"""Python values as the fields of a request."""
from __future__ import annotations

import json
import operator
import os
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Optional, Sequence, Union

import numpy as np

from .edits import Indices, index_list
from .errors import UsageError
from .tokens import Tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

Text = Union[str, Tokens, Sequence[int], "NDArray[Any]"]
Target = Union[str, int, Sequence[Union[str, int]]]
Axis = Union[str, int, float, slice, Iterable[Any]]
Axes = Union[str, Sequence[str], Mapping[str, Axis]]

_NO_SEQUENCE = "a run takes a text, Tokens, token ids, or a list of these"


def _default(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (range, tuple, set, frozenset)):
        return list(value)
    raise UsageError(f"a {type(value).__name__} is no value of a request", "request")


def encode(request: Mapping[str, Any]) -> bytes:
    """The request as the library reads it."""
    try:
        return json.dumps(request, default=_default, allow_nan=False).encode()
    except UsageError:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(str(error), "request") from None


def text_fields(text: Any) -> dict[str, Any]:
    """The text, with the wish for a beginning-of-text token that its Tokens were made with, or token ids."""
    if isinstance(text, Tokens):
        return {"text": text.text, **({} if text.bos is None else {"bos": text.bos})}
    if isinstance(text, str):
        return {"text": text}
    if isinstance(text, (list, tuple, range, np.ndarray)):
        return {"ids": token_ids(text)}
    raise UsageError(f"a text is a str, Tokens, or token ids, not a {type(text).__name__}", "text")


def token_ids(ids: Iterable[Any]) -> list[int]:
    """Token ids of Python or NumPy."""
    try:
        return [operator.index(id_) for id_ in ids]
    except TypeError:
        raise UsageError("token ids are a list of whole numbers", "ids") from None


def strings(value: str | Sequence[str]) -> list[str]:
    """A list, also of a single text."""
    return [value] if isinstance(value, str) else list(value)


def targets(value: Target) -> list[str | int]:
    """Tokens, as texts or ids."""
    if isinstance(value, (str, int, np.integer)):
        value = [value if isinstance(value, str) else int(value)]
    return [entry if isinstance(entry, str) else int(entry) for entry in value]


def indices(value: Indices) -> int | str | list[int]:
    """An index list."""
    if isinstance(value, slice):
        return index_list(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    return value if isinstance(value, str) else [int(index) for index in value]


def _axis_values(value: Axis) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, slice):
        return index_list(value)
    if isinstance(value, (int, float, np.generic)):
        return _axis_value(value)
    return ",".join(_axis_value(entry) for entry in value)


def _axis_value(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    return str(value)


def axes(value: Axes) -> list[str]:
    """Axes as the command line names them: {"layer": range(3)} is "layer=0,1,2"."""
    if isinstance(value, Mapping):
        return [f"{name}={_axis_values(values)}" for name, values in value.items()]
    return strings(value)


def sequences(text: Any, bos: Optional[bool]) -> dict[str, Any]:
    """The texts or the token ids of a run."""
    if isinstance(text, (str, Tokens)):
        text = [text]
    if isinstance(text, (bytes, Mapping)) or not isinstance(text, Iterable):
        raise UsageError(_NO_SEQUENCE, "run")
    entries = list(text)
    if entries and all(isinstance(entry, (str, Tokens)) for entry in entries):
        fields = [text_fields(entry) for entry in entries]
        wishes = {entry.get("bos") for entry in fields} if bos is None else {bos}
        if len(wishes) > 1:
            raise UsageError("texts with and without a beginning-of-text token do not share a run", "run", "say bos=")
        wish = wishes.pop()
        return {"texts": [entry["text"] for entry in fields], **({} if wish is None else {"bos": bool(wish)})}
    if bos is not None:
        raise UsageError("bos belongs to texts, and token ids are given", "run")
    if entries and all(isinstance(entry, (int, np.integer)) for entry in entries):
        entries = [entries]
    try:
        return {"ids": [[operator.index(token) for token in entry] for entry in entries]}
    except (TypeError, ValueError):
        raise UsageError(_NO_SEQUENCE, "run") from None
