"""An open model of the library, which a Model and its views share: requests, and what is asked once."""
from __future__ import annotations

import json
from typing import Any, Callable, Iterable, Mapping, Optional

from . import _calls, _requests, hook_points
from ._arrays import Handle
from ._calls import Callbacks, Cancellation, OnEdit
from .edits import EditFunction
from .errors import ClosedError
from .hook_points import HookPoint
from .progress import Bar
from .results import Arrays, text_of

# Arrays of every run; the others are captured values.
RUN_ARRAYS = ("hidden_states", "logits", "residual", "row_offsets", "ids")


class OpenModel:
    """show: whether long work has a bar, as in `load`."""

    def __init__(self, handle: Handle, options: Mapping[str, Any], show: Optional[bool]) -> None:
        self.handle: Optional[Handle] = handle
        self.options = dict(options)
        self._show = show
        self._info: dict[str, Any] = {}
        self._points: list[HookPoint] = []
        self._meant: dict[str, list[str]] = {}  # hook points by other names

    def get(self) -> Handle:
        if self.handle is None:
            raise ClosedError("the model is closed", "model", "open it again with stratoscope.load")
        return self.handle

    def info(self) -> dict[str, Any]:
        if not self._info:
            self._info = json.loads(text_of(self.request("info", {})))
        return self._info

    def points(self) -> list[HookPoint]:
        if not self._points:
            self._points = hook_points.from_json(self.info()["hook_points"])
        return self._points

    def request(
        self,
        name: str,
        request: Mapping[str, Any],
        on_text: Optional[Callable[[str], None]] = None,
        cancellation: Optional[Cancellation] = None,
    ) -> Handle:
        """The result of an experiment; `on_text` gets the pieces of a generated text as they come."""
        bar = Bar(self._show)
        # A bar would draw between the pieces that the caller prints.
        progress = None if on_text else bar.update
        event = _pieces(on_text) if on_text else None
        callbacks = Callbacks(progress, event, None, cancellation)
        arguments = (self.get().pointer, name.encode(), _requests.encode(request))
        try:
            pointer = _calls.call_for_handle("request", "result_free", *arguments, callbacks=callbacks, part=name)
        finally:
            bar.close()
        return Handle(pointer, "result_free")

    def run(self, request: Mapping[str, Any], on_edit: Optional[OnEdit] = None) -> Handle:
        """The result of a forward pass."""
        bar = Bar(self._show)
        arguments = (self.get().pointer, _requests.encode(request))
        try:
            callbacks = Callbacks(bar.update, None, on_edit)
            pointer = _calls.call_for_handle("run", "result_free", *arguments, callbacks=callbacks)
        finally:
            bar.close()
        return Handle(pointer, "result_free")

    def meant_by(self, name: str) -> list[str]:
        """The hook points that a name, alias or glob means. Raises KeyError with the nearest ones."""
        if name not in self._meant:
            run = self.run({"ids": [[0]], "capture": [name], "hidden_states": False, "logits": "none"})
            self._meant[name] = [array for array in Arrays(run) if array not in RUN_ARRAYS]
        return self._meant[name]

    def by_point(self, functions: Iterable[tuple[str, EditFunction]]) -> dict[str, list[EditFunction]]:
        """Functions by the hook points that their names mean."""
        known = {point.name for point in self.points()}
        by_point: dict[str, list[EditFunction]] = {}
        for name, function in functions:
            for hook in [name] if name in known else self.meant_by(name):
                by_point.setdefault(hook, []).append(function)
        return by_point


def _pieces(on_text: Callable[[str], None]) -> Callable[[str, str], None]:
    """Of the events of a generation those that are pieces of text."""

    def on_event(name: str, content: str) -> None:
        if name == "text":
            on_text(json.loads(content)["text"])

    return on_event
