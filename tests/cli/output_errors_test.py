"""Results that cannot be written: no incomplete file, and an error with the reason."""
import os

import pytest

from program import PENGUINS, with_file_size_limit, without_root_powers

PRINTERS = [
    ["info"],
    ["tokens", PENGUINS],
    ["predict", PENGUINS, "--json"],
    ["similarity", PENGUINS + PENGUINS + PENGUINS, "--across", "tokens"],
    ["--help"],
    ["--version"],
    ["sweep", "--help"],
]

NEXT_TO_NOTHING = ["--edit", "blocks.11.hook_resid_post *= 2"]  # a warning


@pytest.mark.parametrize("command", PRINTERS, ids=lambda command: command[0])
def test_a_full_device_as_standard_output(stratoscope, command):
    with open("/dev/full", "wb") as full:
        stratoscope.fails(*command, stdout=full, says=["standard output cannot be written", "No space left"])


@pytest.mark.parametrize("command", PRINTERS, ids=lambda command: command[0])
def test_a_closed_standard_output(stratoscope, command):
    stratoscope.fails(*command, stdout=None, preexec_fn=lambda: os.close(1), says="standard output cannot be written")


def test_a_closed_standard_output_does_not_spoil_the_file(stratoscope):
    stratoscope.succeeds("run", PENGUINS, "--save", "a.npz")
    before = (stratoscope.folder / "a.npz").read_bytes()
    result = stratoscope.run("run", PENGUINS, "--save", "b.npz", stdout=None, preexec_fn=lambda: os.close(1))
    assert result.status == 1
    assert (stratoscope.folder / "b.npz").read_bytes() == before


def test_a_pipe_that_nobody_reads(stratoscope):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as pipe:
        result = stratoscope.run("run", PENGUINS, "--save", "a.npz", stdout=pipe)
    assert result.status != 0
    assert stratoscope.files() == {"a.npz"}


def test_closed_standard_streams_all_at_once(stratoscope):
    run = ["run", PENGUINS, "--save", "a.npz"]
    result = stratoscope.run(*run, stdin=None, stdout=None, stderr=None, preexec_fn=lambda: os.closerange(0, 3))
    assert result.status == 1
    stratoscope.succeeds("run", PENGUINS, "--save", "b.npz")
    assert (stratoscope.folder / "a.npz").read_bytes() == (stratoscope.folder / "b.npz").read_bytes()
    stratoscope.leaves_no_temporary_file()


@pytest.mark.parametrize("close", [True, False])
def test_an_error_that_nobody_can_read_is_still_a_status(stratoscope, close):
    with open("/dev/full", "wb") as full:
        options = {"stderr": full, "preexec_fn": (lambda: os.close(2)) if close else None}
        for command, status in ((["predict", ""], 1), (["nonsense"], 2), (["predict", "A", *NEXT_TO_NOTHING], 0)):
            assert stratoscope.run(*command, **options).status == status


@pytest.mark.parametrize("name", ["a.safetensors", "a.npz"])
@pytest.mark.parametrize("limit", [0, 100, 100_000])
def test_a_full_disk_leaves_the_old_file(stratoscope, name, limit):
    file = stratoscope.folder / name
    stratoscope.fails("run", PENGUINS, "--save", name, "--json", preexec_fn=with_file_size_limit(limit), says=name)
    stratoscope.succeeds("run", "A", "--save", name)
    before = file.read_bytes()
    stratoscope.fails("run", PENGUINS, "--save", name, "--json", preexec_fn=with_file_size_limit(limit), says=name)
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["a.safetensors", "a.npz"])
def test_places_that_cannot_be_written(stratoscope, name):
    (stratoscope.folder / "locked").mkdir(mode=0o555)
    (stratoscope.folder / name).mkdir()
    run = ["run", PENGUINS, "--json", "--save"]
    stratoscope.fails(*run, f"not/there/{name}", says=["not/there", "No such file"])
    stratoscope.fails(*run, f"locked/{name}", says=["locked", "Permission denied"], preexec_fn=without_root_powers)
    stratoscope.fails(*run, name, says="is a folder")
    stratoscope.fails(*run, "", says=".safetensors or .npz")


def test_a_device_is_not_replaced(stratoscope):
    os.mkfifo(stratoscope.folder / "pipe.npz")
    stratoscope.fails("run", PENGUINS, "--save", "pipe.npz", says="is not a regular file")


def test_a_standard_input_that_cannot_be_read(stratoscope):
    folder = os.open(stratoscope.folder, os.O_RDONLY)
    try:
        stratoscope.fails("predict", "-", stdin=folder, says="standard input cannot be read")
    finally:
        os.close(folder)
    stratoscope.fails("predict", "-", stdin=None, preexec_fn=lambda: os.close(0), says="standard input cannot be read")
