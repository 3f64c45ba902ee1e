import collections
import json
import os
import shutil
import sys

import numpy as np
import pytest

from program import ROOT, Program

sys.path[:0] = [str(ROOT / "tests" / "oracle" / "gpt2"), str(ROOT / "tests" / "hub")]

import checkpoints  # noqa: E402
import safetensors_io  # noqa: E402

CASES_UNDER_SANITIZERS = 2


def pytest_collection_modifyitems(config, items):
    """A sanitizer watches code, not values: there the first cases of each test do."""
    if not os.environ.get("SANITIZER"):
        return
    cases, kept, left_out = collections.Counter(), [], []
    for item in items:
        cases[item.originalname] += 1
        (kept if cases[item.originalname] <= CASES_UNDER_SANITIZERS else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


@pytest.fixture
def stratoscope(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    return Program(folder)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A random GPT-2 of 2 blocks, 3 heads, width 48, vocabulary 311, context 64."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    checkpoints.write_checkpoint(folder, checkpoints.BASE, np.random.default_rng(1))
    return folder


@pytest.fixture
def forged(tmp_path, tiny_model):
    """A copy of the tiny model to spoil."""
    return Forged(shutil.copytree(tiny_model, tmp_path / "forged"))


class Forged:
    def __init__(self, folder):
        self.folder = folder
        self.weights = folder / "model.safetensors"

    def __str__(self):
        return str(self.folder)

    def change_tensors(self, change):
        tensors = safetensors_io.load(self.weights)
        change(tensors)
        safetensors_io.save(self.weights, tensors)

    def write(self, name, content):
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture(scope="session")
def golden():
    """The golden tensors of a text: golden("penguins")["logits"]."""
    return lambda name: safetensors_io.load(ROOT / "tests" / "golden" / f"{name}.safetensors")


@pytest.fixture(scope="session")
def golden_json():
    return lambda name: json.loads((ROOT / "tests" / "golden" / f"{name}.json").read_text(encoding="utf-8"))
