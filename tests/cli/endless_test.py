"""Endless inputs, and paths that are not files: an error that names the limit, in bounded memory."""
import os
import resource
import subprocess

import pytest

from program import PENGUINS

SIX_GIB = 6 << 30
SWEEP = ["sweep", PENGUINS, "--edit", "blocks.{layer}.hook_resid_post *= 0.8", "--over", "layer=all", "--target", " cute"]


def bounded():
    if not os.environ.get("SANITIZER"):
        resource.setrlimit(resource.RLIMIT_AS, (SIX_GIB, SIX_GIB))


def fails_on(stratoscope, source, *command, says):
    with subprocess.Popen(["sh", "-c", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as endless:
        result = stratoscope.run(*command, stdin=endless.stdout, preexec_fn=bounded)
        endless.kill()
    assert result.status == 1 and says in result.error, result.err
    assert stratoscope.files() == set()
    stratoscope.leaves_no_temporary_file()


@pytest.mark.parametrize("source", ["exec yes", "exec cat /dev/zero"])
@pytest.mark.parametrize("command", [["predict", "-"], ["tokens"], ["generate", "-"]], ids=lambda c: c[0])
def test_endless_text(stratoscope, source, command):
    fails_on(stratoscope, source, *command, says="standard input is longer than 64 MiB")


@pytest.mark.parametrize("source", ["exec cat /dev/zero", "yes a | exec tr -d '\\n'"])
def test_an_endless_line(stratoscope, source):
    for name in ("-", "/dev/stdin"):
        fails_on(stratoscope, source, "run", "--texts", name, "--save", "a.npz", says="line 1 is longer than 64 MiB")


def test_endless_texts_that_are_kept_together(stratoscope):
    lines = "exec yes '{\"text\": \"" + "a" * 4000 + "\"}'"
    steer = ["steer", PENGUINS, "--positive-file", "/dev/stdin", "--negative", "b", "--target", " cute"]
    fails_on(stratoscope, lines, *steer, says="more than 256 MiB of texts")


OPTIONS = {
    "model": ["predict", "A", "--model", "{}"],
    "texts": ["run", "--save", "a.npz", "--texts", "{}"],
    "from": ["run", "--start-at", "3", "--save", "a.npz", "--from", "{}"],
    "prompts": [*SWEEP[:1], *SWEEP[2:], "--prompts", "{}"],
    "resume": [*SWEEP, "--resume", "{}"],
    "vectors": ["steer", "A", "--vectors", "{}", "--target", " cute"],
    "replay": ["replay", "{}"],
}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("what", ["zero", "folder", "pipe"])
def test_options_that_name_no_file(stratoscope, option, what):
    if (option, what) == ("texts", "pipe"):
        pytest.skip("it waits for a writer, as a shell does")
    (stratoscope.folder / "folder").mkdir()
    os.mkfifo(stratoscope.folder / "pipe")
    name = "/dev/zero" if what == "zero" else what
    result = stratoscope.run(*[word.replace("{}", name) for word in OPTIONS[option]], preexec_fn=bounded)
    assert result.status == 1 and name in result.error, result.err
    assert stratoscope.files() == {"pipe"}
