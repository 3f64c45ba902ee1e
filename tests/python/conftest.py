"""Tests of the Python package, in the source tree (PYTHONPATH, $STRATOSCOPE_LIBRARY) and of an installed wheel."""
import json
import os
import shutil
import subprocess
import sys

import pytest
import stratoscope

SENTENCE = "A wise man once said: Penguins are cute."
SAMSA = (
    "As Gregor Samsa awoke one morning from uneasy dreams, he found himself transformed in his bed into a gigantic"
)


def program():
    """The command-line program: $STRATOSCOPE, or the script beside this Python."""
    found = os.environ.get("STRATOSCOPE") or shutil.which("stratoscope", path=os.path.dirname(sys.executable))
    assert found, "no program to compare with"
    return found


def command_line(*arguments):
    """The document of the program's --json."""
    # A sanitizer's run-time library is for the library within Python; the program has its own.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    done = subprocess.run(
        [program(), *map(str, arguments), "--json"], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run_python(code, *arguments, **options):
    """A Python of its own, which ends within a minute."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=60, **options
    )


@pytest.fixture(scope="session")
def model():
    return stratoscope.load()


@pytest.fixture(scope="session")
def long_text(model):
    """460 tokens."""
    words = (SAMSA + ". ") * 40
    ids = model.tokenize(words).ids
    assert len(ids) > 460
    return words[: int(model.tokenize(words).offsets[459, 1])]
