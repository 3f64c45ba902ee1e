"""Calls of the library: callbacks, Ctrl-C, errors, forked children, and the end of the interpreter.

ctypes releases the interpreter's lock during a call and takes it again for each callback, in the thread of the call.
"""
from __future__ import annotations

import atexit
import ctypes
import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Callable, NoReturn, Optional, Type

from . import _library, errors
from ._library import CallbacksStruct, EditFunction, EventFunction, ProgressFunction, ValueStruct

OnProgress = Callable[[str, int, int], None]
OnEvent = Callable[[str, str], None]
OnEdit = Callable[[ValueStruct], None]

_ERRORS: dict[int, Type[errors.Error]] = {
    _library.USAGE: errors.UsageError,
    _library.MODEL: errors.ModelError,
    _library.EDIT: errors.EditError,
    _library.FILE: errors.FileError,
    _library.UNKNOWN: errors.UnknownNameError,
}
_SECONDS_AT_EXIT = 10.0  # that calls of other threads have to end; a block takes milliseconds


class _State:
    """Of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.active = 0  # calls that are running
        self.unusable = ""  # the reason why no further call can be made


_state = _State()


def raise_error(status: int, part: str = "") -> NoReturn:
    """The error of this thread's last call. An experiment, `part`, refuses values of its own in its name."""
    found = _library.library().stratoscope_last_error().contents
    texts = (found.problem, found.where, found.hint, found.details)
    problem, where, hint, details = (errors.in_python((text or b"").decode("utf-8", "replace")) for text in texts)
    if status == _library.MEMORY:
        raise MemoryError(problem)
    if status == _library.CANCELLED:
        raise KeyboardInterrupt
    if status == _library.ERROR and where == part:
        status = _library.USAGE
    raise _ERRORS.get(status, errors.Error)(problem, where, hint, details)


class _Interrupts:
    """Ctrl-C in the main thread sets a flag while the library runs.

    An exception of Python's own handler could appear in a callback before its first line, where ctypes loses it.
    """

    def __init__(self) -> None:
        self.arrived = False
        self.in_function = False  # a user's function runs, and may be interrupted
        self._installed = False

    def _handle(self, _number: int, _frame: Optional[FrameType]) -> None:
        self.arrived = True
        if self.in_function:
            raise KeyboardInterrupt

    def __enter__(self) -> _Interrupts:
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)


class Cancellation:
    """The wish of another thread that a call stops."""

    def __init__(self) -> None:
        self.wanted = False


class Callbacks:
    """Functions that a call of the library calls back. An exception in one of them stops the call."""

    def __init__(
        self,
        progress: Optional[OnProgress] = None,
        event: Optional[OnEvent] = None,
        edit: Optional[OnEdit] = None,
        cancellation: Optional[Cancellation] = None,
    ) -> None:
        self.raised: Optional[BaseException] = None
        self._cancellation = cancellation or Cancellation()
        self._interrupts = _Interrupts()
        self._process = os.getpid()

        def on_progress(_user: Any, task: bytes, done: int, total: int) -> int:
            return self._guard(progress, task.decode("utf-8", "replace"), done, total)

        def on_event(_user: Any, name: bytes, text: bytes) -> int:
            return self._guard(event, name.decode(), text.decode("utf-8", "replace"))

        def on_edit(_user: Any, value: Any) -> int:
            return self._guard(edit, value.contents)

        self.struct = CallbacksStruct(
            ctypes.sizeof(CallbacksStruct),
            None,
            ProgressFunction(on_progress),
            EventFunction(on_event) if event else EventFunction(0),
            EditFunction(on_edit) if edit else EditFunction(0),
        )

    def _guard(self, function: Optional[Callable[..., None]], *arguments: Any) -> int:
        if self._must_stop():
            return 1
        if function is not None:
            try:
                self._interrupts.in_function = True
                function(*arguments)
                self._interrupts.in_function = False
            except BaseException as error:  # given to the caller after the call
                self._interrupts.in_function = False
                self.raised = error
        return 1 if self._must_stop() else 0

    def _must_stop(self) -> bool:
        return (
            self.raised is not None
            or self._cancellation.wanted
            or self._interrupts.arrived
            or bool(_state.unusable)
            or os.getpid() != self._process
        )

    def __enter__(self) -> Callbacks:
        self._interrupts.__enter__()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._interrupts.__exit__(kind, value, trace)

    def was_stopped(self) -> bool:
        """Whether a callback raised, or Ctrl-C came."""
        return self.raised is not None or self._interrupts.arrived

    def raise_pending(self) -> None:
        """Raises the exception of a callback, or KeyboardInterrupt after Ctrl-C."""
        if self.raised is not None:
            raised, self.raised = self.raised, None
            raise raised
        if self._interrupts.arrived:
            raise KeyboardInterrupt


class _Active:
    """A call that is running."""

    def __enter__(self) -> None:
        with _state.lock:
            if _state.unusable:
                raise errors.Error(_state.unusable, "stratoscope")
            _state.active += 1

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        with _state.lock:
            _state.active -= 1


def call(name: str, *arguments: Any) -> None:
    """A short call that returns a status."""
    function = getattr(_library.library(), "stratoscope_" + name)
    with _Active():
        status = function(*arguments)
    if status != _library.OK:
        raise_error(status)


def call_for_handle(
    name: str, free: str, *arguments: Any, callbacks: Optional[Callbacks] = None, part: str = ""
) -> int:
    """A call with callbacks, of which the last argument is a pointer to a handle; gives the handle."""
    library = _library.library()
    function = getattr(library, "stratoscope_" + name)
    handle = ctypes.c_void_p()
    callbacks = callbacks or Callbacks()
    with callbacks, _Active():
        status = function(*arguments, ctypes.byref(callbacks.struct), ctypes.byref(handle))
    callbacks.struct = CallbacksStruct()  # ends the cycle of references with the functions
    if callbacks.was_stopped() and handle.value:
        release(free, handle.value)
    callbacks.raise_pending()
    if status != _library.OK:
        raise_error(status, part)
    if not handle.value:
        raise errors.Error(f"stratoscope_{name} gave nothing", "stratoscope")
    return handle.value


def release(name: str, handle: int) -> None:
    """Closes or frees a handle; at the end of the interpreter the process does."""
    if _state.unusable:
        return
    getattr(_library.library(), "stratoscope_" + name)(handle)


def _in_child() -> None:
    """Locks are free and nothing runs; the library itself refuses where a call of another thread was running."""
    global _state
    reason = _state.unusable
    _state = _State()
    _state.unusable = reason
    _library.forget_lock()


def _at_exit() -> None:
    """Stops the calls of other threads: their callbacks must not meet an interpreter that is being taken down."""
    with _state.lock:
        _state.unusable = _state.unusable or "the interpreter is ending"
    end = time.monotonic() + _SECONDS_AT_EXIT
    while _state.active > 0 and time.monotonic() < end:
        time.sleep(0.002)


os.register_at_fork(after_in_child=_in_child)
atexit.register(_at_exit)
