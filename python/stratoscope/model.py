"""A model: its tokens, its forward pass, and every experiment."""
from __future__ import annotations

import json
import os
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Literal, Mapping, Optional, Sequence, Type, Union

from . import _calls, _model_page, _requests, config, edits as edits_module
from ._arrays import Handle, temporary_view
from ._calls import Callbacks, Cancellation
from ._library import ValueStruct
from ._open_model import OpenModel
from ._requests import Text
from .config import Config
from .edits import EditFunction, Edits, OneEdit
from .errors import ModelError, UsageError
from .experiments import Experiments, given_fields
from .generation import Generation, Stream
from .hook_points import HookPoint
from .progress import Bar
from .results import Result, text_of, warn
from .run import Run
from .tokens import Tokens
from .weights import Weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

Ids = Union[Sequence[int], "NDArray[Any]"]
Texts = Union[Text, Ids, Sequence[Text], Sequence[Ids]]
Names = Union[str, Sequence[str]]

# The experiments whose fields include edits.
_EDITED = (
    "predict", "heatmap", "score", "activations", "distributions", "similarity", "lens", "attention", "attribution", "geometry", "verify", "generate",
)  # fmt: skip
_CLASSES: dict[str, Type[Result]] = {"generate": Generation}


class Model(Experiments):
    """A model, as `stratoscope.load` gives it; the methods of Experiments are part of it.

    Methods may be called from several threads at once. Ctrl-C stops each within one block and leaves the model usable.
    """

    def __init__(
        self,
        opened: OpenModel,
        texts: Sequence[OneEdit] = (),
        functions: Sequence[tuple[str, EditFunction]] = (),
        corrupt: Optional[str] = None,
    ) -> None:
        self._opened = opened
        self._texts = list(texts)
        self._functions = list(functions)
        self._corrupt = corrupt

    # Properties

    @property
    def info(self) -> dict[str, Any]:
        """The document of `stratoscope info --json`."""
        return self._opened.info()

    @property
    def name(self) -> str:
        return str(self.info["model"]["name"])

    @property
    def hash(self) -> str:
        """Of the weights."""
        return str(self.info["model"]["hash"])

    @property
    def config(self) -> Config:
        """The sizes: n_layers, n_heads, d_model, d_vocab, …"""
        return config.from_json(self.info["config"])

    @property
    def hook_points(self) -> list[HookPoint]:
        """Every value of the forward pass that has a name, in firing order."""
        return list(self._opened.points())

    @property
    def weights(self) -> Weights:
        """Weights by Hugging Face's names, as read-only arrays of the file's memory."""
        return Weights(self._opened.get(), self._summary)

    def _summary(self, request: dict[str, Any]) -> Result:
        handle = self._opened.request("weights", request)
        result = Result("weights", text_of(handle), handle)
        warn(result.warnings)
        return result

    # Tokens

    def tokenize(self, text: str, bos: Optional[bool] = None) -> Tokens:
        """The text's tokens. bos: the beginning-of-text token comes first, or not; None as the model's tokenizer does."""
        request = {**_requests.text_fields(text), **({} if bos is None else {"bos": bool(bos)})}
        document = json.loads(text_of(self._opened.request("tokens", request)))
        return Tokens(request["text"], document["ids"], document["tokens"], document["offsets"], request.get("bos"))

    def decode(self, ids: Ids) -> str:
        """The text of token ids."""
        request = {"ids": _requests.token_ids(ids)}
        return str(json.loads(text_of(self._opened.request("tokens", request)))["text"]) if request["ids"] else ""

    def compare_tokens(
        self, texts: Sequence[str], labels: Optional[Sequence[str]] = None, bos: Optional[bool] = None
    ) -> Result:
        """How many tokens each of several texts needs: characters, bytes, tokens, tokens per character; with a figure.

        values: the number of tokens [text]; other arrays are characters and bytes.
        """
        if isinstance(texts, str) or len(texts) < 2:
            raise UsageError("give a list of two texts or more", "texts", "tokenize is for one")
        request: dict[str, Any] = {"text": texts[0], "more": list(texts[1:])}
        if labels is not None:
            request["labels"] = list(labels)
        if bos is not None:
            request["bos"] = bool(bos)
        handle = self._opened.request("tokens", request)
        return Result("tokens", text_of(handle), handle)

    def token_id(self, text: str) -> int:
        """The id of a text that is one token, as " insect". Raises ValueError where it is several."""
        tokens = self.tokenize(text, bos=False)
        if len(tokens) != 1:
            raise UsageError(f"{text!r} is {len(tokens)} tokens: {tokens.strings}", "token")
        return int(tokens.ids[0])

    # Forward passes

    def run(
        self,
        text: Texts,
        *,
        edits: Edits = None,
        capture: Names = (),
        hidden_states: bool = True,
        logits: Literal["all", "last", "none"] = "all",
        stop_at: Optional[int] = None,
        effect: bool = False,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Run:
        """A forward pass of a text, its Tokens, token ids, or a list of these.

        edits:   texts, objects of stratoscope.edits, or functions by hook point. A function gets a copy of the value and
                 returns an array of its shape: one call of Python for each hook point and text, and the whole pass is
                 computed. It acts after the texts at the same point.
        capture: hook points to keep, also globs and parts: "blocks.*.hook_mlp_out", "L5H3.pattern"
        logits:  of "all" positions, of the "last" one of each text, or "none"
        stop_at: the first block that is not run
        effect:  measure how far the edits moved the prediction, by a second run without them

        Raises KeyError for a hook point that does not exist, with the nearest ones, and EditError.
        """
        request: dict[str, Any] = {
            "hidden_states": bool(hidden_states),
            "logits": logits,
            "capture": _requests.strings(capture),
            "effect": bool(effect),
            "truncate": bool(truncate),
        }
        if stop_at is not None:
            request["stop_at"] = int(stop_at)
        return self._run({**request, **_requests.sequences(text, bos)}, edits, corrupt)

    def run_with_cache(
        self,
        text: Texts,
        names_filter: Union[Names, Callable[[str], bool], None] = None,
        *,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
    ) -> tuple[NDArray[Any], Run]:
        """The logits [pos, d_vocab] and a run with every value, or those of `names_filter`: names, globs, a function."""
        if names_filter is None or callable(names_filter):
            names: Names = [p.name for p in self.hook_points if names_filter is None or names_filter(p.name)]
        else:
            names = names_filter
        request = {"capture": _requests.strings(names), **_requests.sequences(text, bos)}
        run = self._run(request, edits, corrupt)
        return run.logits, run

    def edited(self, *edits: Edits, corrupt: Optional[str] = None) -> EditedModel:
        """A view of the model under edits, for every method that takes edits; the model itself is unchanged.

        Also as a context: `with model.edited("blocks.5.hook_mlp_out[-1] = 0") as m: m.predict(text)`.
        """
        texts, functions = list(self._texts), list(self._functions)
        for given in edits:
            more, more_functions = edits_module.split(given)
            texts += more
            functions += more_functions
        return EditedModel(self._opened, texts, functions, self._corrupt if corrupt is None else corrupt)

    # Closing

    def close(self) -> None:
        """Closes the model and its views; arrays and results stay valid. Calls that run are finished first."""
        self._opened.handle = None

    @property
    def closed(self) -> bool:
        return self._opened.handle is None

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    # Display

    def __repr__(self) -> str:
        return _model_page.as_text(self)

    def _repr_html_(self) -> str:
        return _model_page.as_html(self)

    # Pickling: the place, the hash and the options, by which the model is opened again

    def __reduce__(self) -> tuple[Any, ...]:
        self._opened.get()
        if self._functions:
            raise TypeError("a model that is edited by a Python function cannot be pickled; write the edit as a text")
        options = {**self._opened.options, "model": self._opened.options.get("model", self.name)}
        return _reopen, (options, self.info["folder"], self.hash, self._texts, self._corrupt, type(self))

    # Requests

    def _fields(self, name: str, arguments: Mapping[str, Any], stack: ExitStack) -> dict[str, Any]:
        fields = given_fields(name, arguments)
        texts, functions = edits_module.split(fields.get("edits") if name != "sweep" else None)
        if self._functions or functions:
            raise UsageError(
                f"{name} takes no Python functions as edits", name, "write the edit as a text, or use run"
            )
        if name == "sweep" and "edits" in fields:
            fields["edits"] = _requests.strings(fields["edits"])
        if self._texts and name not in _EDITED:
            raise UsageError(f"{name} does not run under the edits of an edited model", name, "use the model itself")
        if name in _EDITED and (self._texts or texts):
            fields["edits"] = edits_module.as_texts([*self._texts, *texts], stack)
            if self._corrupt is not None:
                fields.setdefault("corrupt", self._corrupt)
        text = arguments.get("text")
        return {**({} if text is None else _requests.text_fields(text)), **fields}

    def _ask(self, name: str, arguments: Mapping[str, Any]) -> Result:
        with ExitStack() as stack:
            handle = self._opened.request(name, self._fields(name, arguments, stack))
        result = _CLASSES.get(name, Result)(name, text_of(handle), handle)
        warn(result.warnings)
        return result

    def _stream(self, arguments: Mapping[str, Any]) -> Stream:
        stack = ExitStack()
        with stack:
            request = self._fields("generate", arguments, stack)
            files = stack.pop_all()  # the vectors' files go with the thread

        def generate(cancellation: Cancellation, on_text: Callable[[str], None]) -> Generation:
            with files:
                handle = self._opened.request("generate", request, on_text, cancellation)
            return Generation("generate", text_of(handle), handle)

        return Stream(generate)

    def _run(self, request: dict[str, Any], edits: Edits, corrupt: Optional[str]) -> Run:
        texts, functions = edits_module.split(edits)
        functions = [*self._functions, *functions]
        corrupt = self._corrupt if corrupt is None else corrupt
        if corrupt is not None:
            request["corrupt"] = corrupt
        on_edit = None
        if functions:
            by_point = self._opened.by_point(functions)
            request["edit_points"] = list(by_point)

            def on_edit(value: ValueStruct) -> None:
                hook = value.hook_point.decode()
                for function in by_point[hook]:
                    edits_module.apply(function, hook, temporary_view(value))

        with ExitStack() as stack:
            request["edits"] = edits_module.as_texts([*self._texts, *texts], stack)
            handle = self._opened.run({key: value for key, value in request.items() if value != []}, on_edit)
        run = Run(handle, self._opened, request.get("capture", []))
        warn(run.warnings)
        return run


class EditedModel(Model):
    """A view of a model under edits. It does not close the model."""

    def __enter__(self) -> EditedModel:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        pass


def load(
    model: Union[str, os.PathLike[str], None] = None,
    *,
    precision: Literal["fp32", "bf16", "fp64"] = "fp32",
    threads: int = 0,
    pull: bool = False,
    progress: Optional[bool] = None,
) -> Model:
    """Opens a model; its weights are read at the first run.

    model:     a folder in Hugging Face layout, a name in the Hugging Face cache ("gpt2", "gpt2@v1.0"), or None for the
               built-in model
    precision: "fp32", "bf16" (half the memory), or "fp64" (the plain reference, slow)
    threads:   0 for all cores
    pull:      download what is missing
    progress:  whether long work shows a bar: True, False, or None for a terminal or a notebook

    Raises ModelError for a model that is not found or cannot be read.
    """
    options: dict[str, Any] = {"precision": precision, "threads": threads, "pull": pull}
    if model is not None:
        options["model"] = os.fspath(model)
    bar = Bar(progress)
    try:
        pointer = _calls.call_for_handle(
            "open", "close", _requests.encode(options), callbacks=Callbacks(bar.update)
        )
    finally:
        bar.close()
    return Model(OpenModel(Handle(pointer, "close"), options, progress))


def _reopen(
    options: dict[str, Any],
    folder: str,
    hash_: str,
    texts: Sequence[OneEdit],
    corrupt: Optional[str],
    kind: Type[Model],
) -> Model:
    """The model of a pickle. Raises ModelError where the place has another model now."""
    place = folder if os.path.isdir(folder) else options["model"]
    opened = load(place, precision=options["precision"], threads=options["threads"], pull=options["pull"])
    if opened.hash != hash_:
        raise ModelError(f"the model at {place} has the hash {opened.hash}; when it was pickled {hash_}", "pickle")
    return kind(opened._opened, texts, (), corrupt)
