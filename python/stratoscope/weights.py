"""A model's weights."""
from __future__ import annotations

import ctypes
import json
import os
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Optional, Union

from . import _calls, _requests
from ._arrays import Handle, view
from ._library import ArrayStruct
from .edits import Indices
from .results import Result

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Weights(Mapping[str, "NDArray[Any]"]):
    """Weights by the names in the checkpoint, as Hugging Face names them: read-only views of the file's memory.

    Numbers are of the file's type; bfloat16 comes as uint16, of which torch makes numbers:
    torch.from_numpy(array.view("int16").copy()).view(torch.bfloat16). Raises KeyError with the nearest names.
    """

    def __init__(self, handle: Handle, ask: Callable[[dict[str, Any]], Result]) -> None:
        self._handle = handle
        self._ask = ask
        names = ctypes.c_char_p()
        _calls.call("tensor", handle.pointer, None, None, ctypes.byref(names))
        self._entries = {entry["name"]: entry for entry in json.loads(names.value or b"[]")}

    def __getitem__(self, name: str) -> NDArray[Any]:
        array = ArrayStruct()
        _calls.call("tensor", self._handle.pointer, str(name).encode(), ctypes.byref(array), None)
        return view(array, self._handle)

    def summary(
        self, *names: str, rows: Optional[Indices] = None, save: Union[str, "os.PathLike[str]", None] = None
    ) -> Result:
        """Mean, standard deviation, range, zeros and quantiles of the tensors of these names or globs; `rows` is the table.

        Without names formats and shapes alone. Of one tensor also a histogram and a figure, and result["rows"] are the
        numbers of `rows`. `save` copies the tensors: .npy for one, .npz, .safetensors.
        """
        request: dict[str, Any] = {"names": list(names), "save": save}
        if rows is not None:
            request["rows"] = _requests.indices(rows)
        return self._ask({name: value for name, value in request.items() if value not in (None, [])})

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return "\n".join(f"{e['name']}: {e['format']} {e['shape']}" for e in self._entries.values())
