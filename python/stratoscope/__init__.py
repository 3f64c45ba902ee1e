"""Look inside transformer language models.

    import stratoscope as st
    model = st.load()                        # the built-in model; st.load("gpt2", pull=True) downloads
    run = model.run("A wise man once said", capture="blocks.*.hook_mlp_out")
    run.hidden_states, run.logits, run["blocks.5.hook_mlp_out"]
    model.sweep("A wise man once", edit="blocks.{layer}.hook_resid_post *= 0.8", over={"layer": "all"}, target=" said")

docs/python.md has every name.
"""
from __future__ import annotations

from .config import Config
from .edits import Add, Edit, Mean, Median, Mix, Noise, Patch, Scale, Set, Without, Zero
from .errors import (
    ClosedError,
    EditError,
    Error,
    FileError,
    ModelError,
    StratoscopeWarning,
    UnknownNameError,
    UsageError,
)
from .generation import GeneratedSample, GeneratedToken, Generation, Piece, Stream
from .hook_points import HookPoint
from .model import EditedModel, Model, load
from .numbers import cosine, log_softmax
from .results import Result
from .run import Run
from .tokens import Tokens
from .weights import Weights

__version__ = "0.1.0"

__all__ = [
    "Add",
    "ClosedError",
    "Config",
    "Edit",
    "EditError",
    "EditedModel",
    "Error",
    "FileError",
    "GeneratedSample",
    "GeneratedToken",
    "Generation",
    "HookPoint",
    "Mean",
    "Median",
    "Mix",
    "Model",
    "ModelError",
    "Noise",
    "Patch",
    "Piece",
    "Result",
    "Run",
    "Scale",
    "Set",
    "StratoscopeWarning",
    "Stream",
    "Tokens",
    "UnknownNameError",
    "UsageError",
    "Weights",
    "Without",
    "Zero",
    "cosine",
    "load",
    "log_softmax",
]
