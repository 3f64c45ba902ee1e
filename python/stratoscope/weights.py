"""A model's weights."""
from __future__ import annotations

import ctypes
import json
from typing import TYPE_CHECKING, Any, Iterator, Mapping

from . import _calls
from ._arrays import Handle, view
from ._library import ArrayStruct

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Weights(Mapping[str, "NDArray[Any]"]):
    """Weights by the names in the checkpoint, as Hugging Face names them: read-only views of the file's memory.

    Numbers are of the file's type; bfloat16 comes as uint16, of which torch makes numbers:
    torch.from_numpy(array.view("int16").copy()).view(torch.bfloat16). Raises KeyError with the nearest names.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        names = ctypes.c_char_p()
        _calls.call("tensor", handle.pointer, None, None, ctypes.byref(names))
        self._entries = {entry["name"]: entry for entry in json.loads(names.value or b"[]")}

    def __getitem__(self, name: str) -> NDArray[Any]:
        array = ArrayStruct()
        _calls.call("tensor", self._handle.pointer, str(name).encode(), ctypes.byref(array), None)
        return view(array, self._handle)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return "\n".join(f"{e['name']}: {e['format']} {e['shape']}" for e in self._entries.values())
