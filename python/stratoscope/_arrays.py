"""Memory of the library as NumPy arrays, without copies."""
from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _calls
from ._library import ArrayStruct, ValueStruct
from .errors import Error

if TYPE_CHECKING:
    from numpy.typing import NDArray

# NumPy has no bfloat16: its bits come as uint16.
_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}


def _type_of(format: bytes) -> np.dtype[Any]:
    name = format.decode()
    if name not in _TYPES:
        raise Error(f"NumPy has no numbers of the type {name}", "array")
    return np.dtype(_TYPES[name])


class Handle:
    """A model or a result of the library, released when the last reference to it goes."""

    def __init__(self, pointer: int, release: str) -> None:
        self.pointer = pointer
        weakref.finalize(self, _calls.release, release, pointer).atexit = False


class Owner:
    """The memory of an array, and what keeps it: the `.base` of the array."""

    def __init__(self, interface: dict[str, Any], keep: object) -> None:
        self.__array_interface__ = interface
        self._keep = keep


def view(array: ArrayStruct, keep: Handle) -> NDArray[Any]:
    """The array, which keeps the handle alive."""
    shape = tuple(array.shape[: array.rank])
    kind = _type_of(array.format)
    if array.data is None:
        return np.empty(shape, kind)
    interface = {
        "version": 3,
        "shape": shape,
        "typestr": kind.str,
        "data": (array.data, bool(array.read_only)),
        "strides": tuple(array.strides[: array.rank]),
    }
    return np.asarray(Owner(interface, keep))


def temporary_view(value: ValueStruct) -> NDArray[Any]:
    """The value that a callback may change, valid until it returns."""
    interface = {
        "version": 3,
        "shape": tuple(value.shape[: value.rank]),
        "typestr": _type_of(value.format).str,
        "data": (value.data, False),
        "strides": tuple(value.strides[: value.rank]),
    }
    return np.asarray(Owner(interface, None))
