"""The bar of long work: tqdm's where it is installed, else one line."""
from __future__ import annotations

import importlib.util
import sys
import time
import warnings
from typing import Any, Optional

_PATIENCE = 0.7  # seconds before a bar appears


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def _wanted(show: Optional[bool]) -> bool:
    if show is not None:
        return show
    return sys.stderr is not None and (sys.stderr.isatty() or _in_notebook())


class Bar:
    """The progress of one call.

    show: True always, False never, None on a terminal and in a notebook
    """

    def __init__(self, show: Optional[bool] = None, patience: Optional[float] = None) -> None:
        self._show = _wanted(show)
        self._start = time.monotonic()
        self._patience = _PATIENCE if patience is None else patience
        self._bar: Any = None
        self._task = ""
        self._line = 0  # characters of the line that is shown

    def update(self, task: str, done: int, total: int) -> None:
        """`done` of `total` steps of `task` are finished."""
        if not self._show or time.monotonic() - self._start < self._patience:
            return
        if importlib.util.find_spec("tqdm") is None:
            self._write(f"{task} {done}/{total}")
            return
        if self._bar is None or task != self._task or total != self._bar.total:
            self.close()
            self._bar = _new_bar(task, total)
            self._task = task
        self._bar.update(done - self._bar.n)

    def _write(self, text: str) -> None:
        print("\r" + text.ljust(self._line), end="", file=sys.stderr, flush=True)
        self._line = len(text)

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if self._line:
            print("\r" + " " * self._line, end="\r", file=sys.stderr, flush=True)
            self._line = 0


def _new_bar(task: str, total: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm warns where there are no widgets, and draws a line of text
        from tqdm.auto import tqdm

    return tqdm(desc=task, total=total, leave=False, file=sys.stderr)
