"""Errors of the library, as Python's exceptions."""
from __future__ import annotations

import re

# Options of the command line that take no value, and those whose argument has another name.
_FLAGS = {"all", "bos", "mean", "noising", "plan", "profile", "pull", "repeat", "truncate", "whole"}
_ARGUMENTS = {"target-id": "target", "stop": "stops", "no-bos": "bos=False", "edit": "edits"}


def in_python(text: str) -> str:
    """The library's text with arguments in place of the command line's options: truncate=True for --truncate."""

    def argument(match: re.Match[str]) -> str:
        name = match[1]
        return _ARGUMENTS.get(name, name.replace("-", "_")) + ("=True" if name in _FLAGS else "")

    text = text.replace("'stratoscope info' lists them all", "model.hook_points lists them all")
    return re.sub(r"(?<![\w-])--([a-z][a-z-]*)", argument, text)


class Error(Exception):
    """An error of Stratoscope.

    problem: the error and the object that it is about
    where:   the part of the library or of the request: "edit", "safetensors", …
    hint:    the remedy, or ""
    details: more lines with the place or the values, or ""
    """

    def __init__(self, problem: str, where: str = "stratoscope", hint: str = "", details: str = "") -> None:
        super().__init__(problem, where, hint, details)
        self.problem = problem
        self.where = where
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        if self.details:
            text += "\n" + self.details
        return f"{text}; {self.hint}" if self.hint else text


class UsageError(Error, ValueError):
    """An invalid value of an argument, or arguments that do not go together."""


class ModelError(Error):
    """A model that is not found or cannot be read."""


class EditError(Error, ValueError):
    """An edit that cannot be read or does not fit the model or the text."""


class FileError(Error):
    """A file that cannot be read or written."""


class UnknownNameError(Error, KeyError):
    """An unknown name of a hook point, an array or a weight. The hint has the nearest names."""


class ClosedError(Error, ValueError):
    """A closed model was used."""


class StratoscopeWarning(UserWarning):
    """A warning about a valid result, such as a target of several tokens or an edit without effect."""
