"""Text that would command a terminal is shown, whoever wrote it; errors are one line of at most 500 characters."""
import json
import os
import pty
import re

import pytest

from program import PENGUINS

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
TRAPS = "A \x1b]0;title\x07\x1b[2J \x7f \u009b31m \u202etxt\u2066 \r\b."


def is_harmless(result):
    for stream in (result.out_bytes.decode("utf-8"), result.err):
        found = CONTROLS.search(stream)
        assert found is None, f"{found[0]!r} in {stream!r}"


@pytest.mark.parametrize(
    "command",
    [
        ["tokens", TRAPS],
        ["predict", TRAPS, "--all"],
        ["heatmap", TRAPS],
        ["heatmap", "A", "--by", TRAPS],
        ["activations", TRAPS],
        ["similarity", TRAPS, "--across", "tokens"],
        ["lens", TRAPS],
        ["attention", TRAPS],
        ["attribution", TRAPS],
        ["sweep", PENGUINS, "--edit", "blocks.{layer}.hook_resid_post *= 0.8", "--over", "layer=0", "--target", TRAPS],
        ["predict", "A", "--model", TRAPS],
        ["predict", "A", "--edit", TRAPS],
        ["predict", "A", "--" + TRAPS],
        [TRAPS],
        ["predict", "A", "--figure", TRAPS],
        ["predict", "A", "--record", TRAPS + "/x"],
        ["replay", TRAPS],
        ["models", "remove", TRAPS],
        ["patch", TRAPS, "--corrupt", "A", "--target", " x"],
    ],
    ids=lambda c: " ".join(c)[:12].encode("unicode_escape").decode(),
)
def test_nothing_printed_commands_a_terminal(stratoscope, command):
    is_harmless(stratoscope.run(*command))


@pytest.mark.parametrize("name", [b"bad\xff\x9b31m", "bad\u009b\u202e\x1b[2J".encode()])
def test_names_of_files(stratoscope, name):
    os.mkdir(os.fsencode(stratoscope.folder) + b"/" + name)
    for command in (["info", "--model", b"./" + name], ["predict", "A", "--record", name], ["replay", name]):
        result = stratoscope.run(*command)
        is_harmless(result)
        assert result.status == 1 and "\\x9b" in result.error


def test_json_is_exact_and_harmless(stratoscope):
    printed = stratoscope.succeeds("tokens", "--json", TRAPS)
    is_harmless(printed)
    assert json.loads(printed.out)["text"] == TRAPS


def test_generated_text_is_raw_in_a_file_alone(stratoscope):
    command = ["generate", TRAPS, "--max-new", "1"]
    assert TRAPS in stratoscope.succeeds(*command).out
    ours, theirs = pty.openpty()
    process = stratoscope.start(*command, stdout=theirs)
    process.wait(60)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the terminal's other end is closed
        pass
    os.close(ours)
    text = shown.decode("utf-8").replace("\r\n", "\n")
    assert CONTROLS.search(text) is None and "\\x1b]0;title\\x07" in text


HUGE = "x" * 20000


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "A", "--edit", HUGE],
        ["predict", "A", "--edit", f"blocks.0.hook_resid_post[{HUGE}] *= 0"],
        ["predict", "A", "--edit", f"hook_embed = {HUGE}.npy"],
        ["predict", "A", "--model", HUGE],
        ["predict", "A", "--model", "./" + HUGE],
        ["predict", "A", "--position", HUGE],
        ["predict", "A", "--precision", HUGE],
        ["predict", "A", "--threads", HUGE],
        ["predict", "A", "--figure", HUGE],
        ["predict", "A", "--figure", HUGE + ".svg"],
        ["predict", "A", "--record", HUGE],
        ["predict", "A", "--" + HUGE],
        ["predict", "A", *["\n" + HUGE] * 3],
        ["run", "A", "--save", HUGE + ".npz"],
        ["run", "A", "--save", "a.npz", "--capture", HUGE],
        ["activations", "A", "--token", HUGE],
        ["lens", "A", "--theme", HUGE],
        ["sweep", "A", "--edit", "hook_embed *= {x}", "--over", "x=" + HUGE, "--target", " x"],
        ["sweep", "A", "--edit", "hook_embed *= 0", "--over", "layer=0", "--metric", HUGE, "--target", " x"],
        ["replay", HUGE],
        ["models", "remove", HUGE],
        ["pull", HUGE],
        [HUGE],
    ],
    ids=lambda c: " ".join(c)[:24].replace("\n", " "),
)
def test_errors_are_lines(stratoscope, command):
    result = stratoscope.run(*command, env={"HF_HUB_OFFLINE": "1"})
    assert result.status in (1, 2)
    assert all(len(line) <= 500 for line in result.err.splitlines()), result.err
    assert result.error


@pytest.mark.parametrize("field", ["command", "version", "isa", "options", "text", "model", "files"])
def test_errors_of_records_are_lines(stratoscope, field):
    record = {"record": 1, "command": "predict", "version": "0", "isa": "x", "model": {"name": "novella-7m", "hash": "0"}}
    record |= {"text": "A", "options": {}, "result": {}}
    for value in (HUGE, {HUGE: HUGE}, [HUGE], {"name": HUGE, "hash": TRAPS + HUGE}):
        (stratoscope.folder / "r.json").write_text(json.dumps(record | {field: value}))
        result = stratoscope.run("replay", "r.json")
        is_harmless(result)
        assert result.status == 1 and all(len(line) <= 500 for line in result.err.splitlines())
