import json
import random
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parents[2] / "support")]

import nobody  # noqa: E402, F401
from driver import Driver  # noqa: E402
from fixture_hub import Hub, make_certificates  # noqa: E402

CONFIG = {"model_type": "gpt2", "n_layer": 2, "n_head": 3, "n_embd": 48, "n_positions": 64, "vocab_size": 311}


@pytest.fixture
def hub():
    with Hub() as hub:
        yield hub


@pytest.fixture
def driver(tmp_path, hub):
    return Driver(tmp_path, hub)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def chance():
    """Random numbers, the same in every run."""
    return random.Random(4)


@pytest.fixture
def model():
    """A repository's files, with a weights file of so many arbitrary bytes."""

    def make(size=300_000, seed=1, **files):
        return {
            "README.md": b"# a model\n",
            "config.json": json.dumps(CONFIG).encode(),
            "generation_config.json": b'{"do_sample": true}',
            "vocab.json": b'{"a": 0}',
            "merges.txt": b"#version: 0.2\n",
            "model.safetensors": random.Random(seed).randbytes(size),
            "pytorch_model.bin": b"a pickle" * 1000,
            "onnx/model.onnx": b"another format" * 1000,
        } | files

    return make
