"""The shared library and its functions, declared for ctypes as stratoscope/c/stratoscope.h declares them."""
from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from typing import Any, Optional

from .errors import Error

ABI = 1
SONAME = "libstratoscope.so.0.1"  # where the system has the library, as Debian's package does

OK, ERROR, USAGE, MODEL, EDIT, FILE, UNKNOWN, CANCELLED, MEMORY, INTERNAL = range(10)


class ErrorStruct(ctypes.Structure):
    _fields_ = [
        ("status", ctypes.c_int),
        ("problem", ctypes.c_char_p),
        ("where", ctypes.c_char_p),
        ("hint", ctypes.c_char_p),
        ("details", ctypes.c_char_p),
    ]


class ArrayStruct(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("format", ctypes.c_char_p),
        ("rank", ctypes.c_size_t),
        ("shape", ctypes.POINTER(ctypes.c_size_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("read_only", ctypes.c_int),
    ]


class ValueStruct(ctypes.Structure):
    _fields_ = [
        ("hook_point", ctypes.c_char_p),
        ("sequence", ctypes.c_size_t),
        ("first_position", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("rank", ctypes.c_size_t),
        ("shape", ctypes.POINTER(ctypes.c_size_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("format", ctypes.c_char_p),
    ]


ProgressFunction = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t)
EventFunction = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)
EditFunction = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ValueStruct))


class CallbacksStruct(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("user", ctypes.c_void_p),
        ("progress", ProgressFunction),
        ("event", EventFunction),
        ("edit", EditFunction),
    ]


_POINTER = ctypes.c_void_p
_TEXT = ctypes.c_char_p
_CALLBACKS = ctypes.POINTER(CallbacksStruct)
_ARRAY = ctypes.POINTER(ArrayStruct)
_SIZE = ctypes.c_size_t

# The type of the returned value, then those of the arguments, by name.
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "abi": (ctypes.c_uint32,),
    "version": (_TEXT,),
    "last_error": (ctypes.POINTER(ErrorStruct),),
    "experiments": (_TEXT,),
    "open": (ctypes.c_int, _TEXT, _CALLBACKS, ctypes.POINTER(_POINTER)),
    "close": (None, _POINTER),
    "run": (ctypes.c_int, _POINTER, _TEXT, _CALLBACKS, ctypes.POINTER(_POINTER)),
    "request": (ctypes.c_int, _POINTER, _TEXT, _TEXT, _CALLBACKS, ctypes.POINTER(_POINTER)),
    "tensor": (ctypes.c_int, _POINTER, _TEXT, _ARRAY, ctypes.POINTER(_TEXT)),
    "result_json": (_TEXT, _POINTER),
    "result_array_count": (_SIZE, _POINTER),
    "result_array": (ctypes.c_int, _POINTER, _SIZE, _ARRAY),
    "result_array_named": (ctypes.c_int, _POINTER, _TEXT, _ARRAY),
    "result_figure": (ctypes.c_int, _POINTER, _TEXT, _TEXT, ctypes.POINTER(_POINTER), ctypes.POINTER(_SIZE)),
    "result_free": (None, _POINTER),
    "log_softmax": (ctypes.c_int, _POINTER, _SIZE, _SIZE, _POINTER),
    "cosine": (ctypes.c_int, _POINTER, _SIZE, _SIZE, _POINTER),
}

_lock = threading.Lock()
_loaded: Optional[ctypes.CDLL] = None


def bundled_folder() -> Path:
    """Where a wheel has the library, the built-in model and the program."""
    return Path(__file__).resolve().parent / "_bundled"


def _find() -> str:
    named = os.environ.get("STRATOSCOPE_LIBRARY")
    if named:
        return named
    bundled = bundled_folder() / "libstratoscope.so"
    return str(bundled) if bundled.exists() else SONAME


def _load() -> ctypes.CDLL:
    path = _find()
    try:
        loaded = ctypes.CDLL(path)
    except OSError as error:
        raise Error(
            f"the library {path} cannot be loaded: {error}",
            "import",
            "install the wheel again, or name the library in $STRATOSCOPE_LIBRARY",
        ) from None
    for name, (returned, *arguments) in _FUNCTIONS.items():
        try:
            function = getattr(loaded, "stratoscope_" + name)
        except AttributeError:
            raise Error(f"{path} has no function stratoscope_{name}", "import", "it is of another version") from None
        function.restype = returned
        function.argtypes = arguments
    found = loaded.stratoscope_abi()
    if found != ABI:
        raise Error(
            f"{path} has the binary interface {found}, and this package is made for {ABI}",
            "import",
            "install a library and a package of one version",
        )
    return loaded


def library() -> ctypes.CDLL:
    """The library, loaded at the first use."""
    global _loaded
    if _loaded is None:
        with _lock:
            if _loaded is None:
                _loaded = _load()
    return _loaded


def forget_lock() -> None:
    """In a forked child, where another thread of the parent may have held it."""
    global _lock
    _lock = threading.Lock()
