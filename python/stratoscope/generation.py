"""A text continued by the model, whole or piece by piece."""
from __future__ import annotations

import queue
import threading
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Optional, Sequence, Union

from ._calls import Cancellation
from .results import Result


class GeneratedToken(NamedTuple):
    """A token that the model wrote; log_prob in nats, under the model's own distribution."""

    id: int
    token: str
    log_prob: float


class GeneratedSample(NamedTuple):
    """One of several continuations.

    log_prob: of all its tokens together, nats
    shared:   the number of its first tokens that are those of the first sample
    """

    seed: int
    text: str
    stopped: str
    log_prob: float
    shared: int
    tokens: list[GeneratedToken]


class Piece(NamedTuple):
    """A piece of the new text, in whole characters."""

    text: str


def _tokens(listed: Sequence[Mapping[str, Any]]) -> list[GeneratedToken]:
    return [GeneratedToken(token["id"], token["token"], token["log_prob"]) for token in listed]


class Generation(Result):
    """The result of `Model.generate`.

    text:    the new text
    tokens:  every new token
    stopped: "length", "stop", "end", "context" or "rotary"
    samples: with `samples`, every continuation; the others are of the first
    """

    @property
    def text(self) -> str:
        return str(self.json["text"])

    @property
    def tokens(self) -> list[GeneratedToken]:
        return _tokens(self.json["tokens"])

    @property
    def samples(self) -> list[GeneratedSample]:
        return [
            GeneratedSample(s["seed"], s["text"], s["stopped"], s["log_prob"], s["shared"], _tokens(s["tokens"]))
            for s in self.json.get("samples", [])
        ]

    @property
    def stopped(self) -> str:
        return str(self.json["stopped"])

    def __str__(self) -> str:
        return self.text


_Item = Union[Piece, Generation, BaseException]
Generate = Callable[[Cancellation, Callable[[str], None]], Generation]


class Stream(Iterator[Piece]):
    """The new text as it is written: an iterator of pieces, then `result`. Closing or dropping it stops the model."""

    def __init__(self, generate: Generate) -> None:
        self._items: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._cancellation = Cancellation()
        self._ended: Optional[_Item] = None
        # The thread knows the queue and not the stream, so that a stream that is dropped goes.
        self._thread = threading.Thread(target=_work, args=(generate, self._cancellation, self._items), daemon=True)
        self._thread.start()

    def __next__(self) -> Piece:
        if self._ended is not None:
            raise StopIteration
        try:
            item = self._items.get()
        except BaseException:  # Ctrl-C
            self.close()
            raise
        if isinstance(item, Piece):
            return item
        self._ended = item
        if isinstance(item, BaseException):
            raise item
        raise StopIteration

    @property
    def result(self) -> Generation:
        """The whole generation; waits for its end."""
        for _ in self:
            pass
        if isinstance(self._ended, BaseException):
            raise self._ended
        assert isinstance(self._ended, Generation)
        return self._ended

    def close(self) -> None:
        """Stops the model within one block, and waits for that."""
        self._cancellation.wanted = True
        self._thread.join()
        if self._ended is None:
            self._ended = KeyboardInterrupt("the stream was closed")

    def __del__(self) -> None:
        self._cancellation.wanted = True


def _work(generate: Generate, cancellation: Cancellation, items: queue.SimpleQueue[Any]) -> None:
    try:
        items.put(generate(cancellation, lambda text: items.put(Piece(text))))
    except BaseException as error:  # raised by the iterator
        items.put(error)
