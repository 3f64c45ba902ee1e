"""A model's file that changes while a command works: an error that names it, never a crash and never mixed numbers."""
import json
import os
import random
import shutil
import time

import pytest

from program import KAFKA, MODEL, PENGUINS, Result, TIME_LIMIT, is_working, wait_until

LONG_SWEEP = ["sweep", KAFKA, "--edit", "blocks.{layer}.hook_resid_post[{position}] *= {x}", "--target", " insect"]
LONG_SWEEP += ["--over", "layer=all", "--over", "position=all", "--over"]


@pytest.fixture
def model(tmp_path):
    """A copy of the built-in model to spoil, an hour old."""
    folder = shutil.copytree(MODEL, tmp_path / "model")
    hour_ago = time.time() - 3600
    os.utime(folder / "model.safetensors", (hour_ago, hour_ago))
    return folder


def overwrite(file):
    """In place, as cp does, with as many bytes."""
    size = file.stat().st_size
    with open(file, "r+b") as stream:
        stream.truncate(0)
        stream.write(b"\0" * size)


CHANGES = {
    "truncated": lambda file: os.truncate(file, 0),
    "cut in half": lambda file: os.truncate(file, file.stat().st_size // 2),
    "overwritten": overwrite,
    "grown": lambda file: os.truncate(file, file.stat().st_size + 1),
}


@pytest.mark.parametrize("precision", ["fp32", "fp64"])
@pytest.mark.parametrize("change", CHANGES)
def test_while_it_computes(stratoscope, model, change, precision):
    file = model / "model.safetensors"
    process = stratoscope.start(*LONG_SWEEP, "x=1..3000", "--model", model, "--precision", precision)
    wait_until(is_working(process), process)
    CHANGES[change](file)
    out, err = process.communicate(timeout=TIME_LIMIT)
    result = Result(process.returncode, out, err)
    assert result.status == 1 and result.out_bytes == b""
    assert f"{file}: was changed while it was in use" in result.error


@pytest.mark.parametrize("change", ["truncated", "overwritten"])
def test_at_any_moment(stratoscope, model, change):
    file = model / "model.safetensors"
    good = file.read_bytes()
    started = time.monotonic()
    expected = stratoscope.json("predict", PENGUINS, "--model", model)
    longest = time.monotonic() - started
    random.seed(11)
    endings = set()
    for _ in range(10):
        file.write_bytes(good)
        process = stratoscope.start("predict", PENGUINS, "--json", "--model", model)
        time.sleep(random.random() * longest)
        CHANGES[change](file)
        out, err = process.communicate(timeout=TIME_LIMIT)
        result = Result(process.returncode, out, err)
        endings.add(result.status)
        if result.status == 0:
            assert json.loads(result.out) == expected
        else:
            assert result.status == 1 and str(file) in result.error and result.out_bytes == b""
    assert 1 in endings


def test_replaced_by_another_of_its_name(stratoscope, model):
    """The process uses the old file until it ends."""
    sweep = [*LONG_SWEEP, "x=1" if os.environ.get("SANITIZER") else "x=1..3", "--json", "--model", model]
    expected = stratoscope.succeeds(*sweep).out
    other = model / "other"
    other.write_bytes(b"\0" * 100)
    process = stratoscope.start(*sweep)
    wait_until(is_working(process, 0.2), process)
    other.rename(model / "model.safetensors")
    out, err = process.communicate(timeout=TIME_LIMIT)
    assert process.returncode == 0, err
    assert out.decode() == expected
    stratoscope.fails("predict", PENGUINS, "--model", model, says="model.safetensors")


def test_a_vector_that_is_cut_off_is_no_crash(stratoscope):
    """The whole file is read at the start; a shorter one is refused as incomplete."""
    with open(stratoscope.folder / "v.npy", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00\x76\x00")
    stratoscope.fails("predict", PENGUINS, "--edit", "blocks.0.hook_resid_post += v.npy", says="v.npy")
