"""Functions of numbers, computed by the library: the same bits as in its experiments."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import _calls
from .errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def _rows(values: ArrayLike, name: str) -> NDArray[np.float32]:
    array = np.asarray(values)
    if array.ndim == 0 or array.dtype.kind not in "fiu" or array.dtype.itemsize > 4:
        raise UsageError(
            f"{name} takes float32 with at least one axis, not {array.dtype} with {array.ndim}",
            name,
            "convert it: x.astype(np.float32)",
        )
    return np.ascontiguousarray(array, np.float32)


def log_softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Log-probabilities in nats along the last axis, in float64, as every metric of the library reads them.

    logits: float32 [..., d_vocab]. The result has the same shape. Raises ValueError for other numbers.
    """
    array = _rows(logits, "log_softmax")
    out = np.empty(array.shape, np.float64)
    if array.size:
        columns = array.shape[-1]
        _calls.call("log_softmax", array.ctypes.data, array.size // columns, columns, out.ctypes.data)
    return out


def cosine(vectors: ArrayLike) -> NDArray[np.float64]:
    """The cosine similarity of every two rows, in float64; 0 for a row of zeros.

    vectors: float32 [n, d]. The result is [n, n]. Raises ValueError for other shapes and numbers.
    """
    array = _rows(vectors, "cosine")
    if array.ndim != 2:
        raise UsageError(f"cosine takes rows and columns, not the shape {array.shape}", "cosine")
    rows, columns = array.shape
    out: NDArray[Any] = np.zeros((rows, rows), np.float64)
    if array.size:
        _calls.call("cosine", array.ctypes.data, rows, columns, out.ctypes.data)
    return out
