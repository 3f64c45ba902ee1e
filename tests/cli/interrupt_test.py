"""Ctrl-C: work stops soon, with a message, and leaves no incomplete file."""
import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
import time

import pytest

from program import KAFKA, PENGUINS, TIME_LIMIT, Result, fake_gnuplot, interrupt, is_working, wait_until, write_lines

LONG_SWEEP = ["sweep", KAFKA, "--edit", "blocks.{layer}.hook_resid_post[{position}] *= {x}", "--target", " insect"]
LONG_SWEEP += ["--over", "layer=all", "--over", "position=all", "--over", "x=1..3000"]


def stops(stratoscope, result, status=130):
    assert result.status == status, f"status {result.status}: {result.err}"
    assert result.error.startswith("interrupted: ")
    assert result.out_bytes == b""
    stratoscope.leaves_no_temporary_file()


@pytest.mark.parametrize(
    "command",
    [
        LONG_SWEEP,
        [*LONG_SWEEP, "--json"],
        [*LONG_SWEEP, "--precision", "fp64"],
        ["bench", "--repeat", "1000000"],
        ["verify", "~" * 512],
    ],
    ids=["sweep", "json", "fp64", "bench", "verify"],
)
def test_long_work_stops(stratoscope, command):
    process = stratoscope.start(*command)
    wait_until(is_working(process), process)
    stops(stratoscope, interrupt(process))
    assert stratoscope.files() == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_long_run_saves_nothing(stratoscope, number):
    with open(stratoscope.folder / "texts.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": " ".join([KAFKA] * 15)}) + "\n" for _ in range(200))
    process = stratoscope.start("run", "--texts", "texts.jsonl", "--save", "a.npz", "--precision", "fp64")
    wait_until(is_working(process), process)
    stops(stratoscope, interrupt(process, number=number), 128 + number)
    assert stratoscope.files() == {"texts.jsonl"}


def test_terminating_is_interrupting(stratoscope):
    process = stratoscope.start(*LONG_SWEEP)
    wait_until(is_working(process), process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=TIME_LIMIT)
    stops(stratoscope, Result(process.returncode, out, err), status=143)


@pytest.mark.parametrize("ignored", [False, True], ids=["", "nohup"])
def test_a_terminal_that_closes(stratoscope, ignored):
    action = signal.SIG_IGN if ignored else signal.SIG_DFL
    sweep = [*LONG_SWEEP[:-1], "x=1..6"]
    process = stratoscope.start(*sweep, preexec_fn=lambda: signal.signal(signal.SIGHUP, action))
    wait_until(is_working(process, 0.2), process)
    result = interrupt(process, number=signal.SIGHUP)
    if ignored:
        assert result.status == 0
    else:
        stops(stratoscope, result, 129)


def test_waiting_for_text_stops(stratoscope):
    process = stratoscope.start("predict", "-", stdin=subprocess.PIPE)
    process.stdin.write(b"A wise man")
    process.stdin.flush()
    wait_until(lambda: waiting_bytes(process.stdin) == 0, process)  # it has read them, and waits for more
    process.send_signal(signal.SIGINT)
    try:
        process.wait(TIME_LIMIT)  # while the pipe is still open
    finally:
        process.kill()
    stops(stratoscope, Result(process.returncode, *process.communicate()))


def waiting_bytes(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0]


def test_a_demo_stopped_while_it_draws_leaves_the_old_one(stratoscope):
    stratoscope.succeeds("demo", "A", "--out", "out")
    before = {path.name: path.read_bytes() for path in (stratoscope.folder / "out").iterdir()}
    drawing = stratoscope.folder.parent / "drawing"
    env = fake_gnuplot(stratoscope, f"touch {drawing}; exec sleep 100")
    process = stratoscope.start("demo", "B", "--out", "out", env=env, start_new_session=True)
    wait_until(drawing.exists, process)
    result = interrupt(process, group=True)  # as a terminal does: to gnuplot too
    assert result.status == 130 and result.error.startswith("interrupted: ")
    assert {path.name: path.read_bytes() for path in (stratoscope.folder / "out").iterdir()} == before
    assert [path.name for path in stratoscope.folder.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["x.svg", "x.png", "x.pdf", "x.html"])
@pytest.mark.parametrize("reaches", ["everybody", "only us"])
def test_a_figure_stopped_while_it_is_drawn(stratoscope, name, reaches):
    """Ctrl-C reaches gnuplot too; kill does not, and gnuplot would draw on."""
    drawing = stratoscope.folder.parent / "drawing"
    env = fake_gnuplot(stratoscope, f"touch {drawing}; exec sleep 100")
    process = stratoscope.start("predict", PENGUINS, "--figure", name, env=env, start_new_session=True)
    wait_until(drawing.exists, process)
    result = interrupt(process, group=reaches == "everybody")
    assert result.status == 130 and result.out_bytes == b""
    assert stratoscope.files() == set() and list(env["TMPDIR"].iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_stopped_while_it_computes(stratoscope, number):
    process = stratoscope.start("demo", " ".join([KAFKA] * 15), "--out", "out", "--precision", "fp64")
    wait_until(is_working(process), process)
    stops(stratoscope, interrupt(process, number=number), 128 + number)
    assert list(stratoscope.folder.iterdir()) == []


LONG_TEXT = " ".join([KAFKA] * 15)
WRITERS = {
    "run.npz": ["run", "--texts", "texts.jsonl", "--precision", "fp64", "--save", "a.npz"],
    "run.safetensors": ["run", "--texts", "texts.jsonl", "--precision", "fp64", "--save", "a.safetensors"],
    "sweep": [*LONG_SWEEP, "--save", "a.csv", "--record", "a.json", "--figure", "a.svg"],
    "generate": ["generate", KAFKA, "--max-new", "400", "--precision", "fp64", "--save", "a.npz"],
    "patch": ["patch", LONG_TEXT, "--corrupt", LONG_TEXT.replace(" his", " her"), "--target", " man", "--precision", "fp64",
              "--record", "a.json"],
    "demo": ["demo", LONG_TEXT, "--out", "out", "--precision", "fp64"],
}


@pytest.mark.parametrize("numbers", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)], ids=["timeout", "both"])
@pytest.mark.parametrize("command", WRITERS.values(), ids=WRITERS)
def test_two_quick_signals_leave_nothing(stratoscope, command, numbers):
    write_lines(stratoscope, "texts.jsonl", [{"text": LONG_TEXT} for _ in range(100)])
    process = stratoscope.start(*command)
    wait_until(is_working(process), process)
    process.send_signal(numbers[0])
    time.sleep(0.01)  # so that the second is one of its own
    process.send_signal(numbers[1])
    out, err = process.communicate(timeout=TIME_LIMIT)
    # On a busy machine both may wait for the process; the system then delivers the second one first.
    assert process.returncode in {128 + number for number in numbers}, err
    stratoscope.leaves_no_temporary_file()
    assert stratoscope.files() == {"texts.jsonl"}


@pytest.mark.parametrize("name", ["x.svg", "x.html"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_what_gnuplot_started_ends_too(stratoscope, name, number):
    other = stratoscope.folder.parent / "other"
    env = fake_gnuplot(stratoscope, f"sleep 1000 & echo $! >{other}; wait")
    process = stratoscope.start("predict", PENGUINS, "--figure", name, env=env)
    wait_until(lambda: other.exists() and other.read_text().endswith("\n"), process)
    process.send_signal(number)
    process.send_signal(number)
    process.communicate(timeout=TIME_LIMIT)
    deadline = time.monotonic() + TIME_LIMIT
    while is_alive(int(other.read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    if number == signal.SIGINT:
        assert stratoscope.files() == set() and list(env["TMPDIR"].iterdir()) == []


def is_alive(process):
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_two_at_once_are_one(stratoscope):
    process = stratoscope.start(*LONG_SWEEP, "--precision", "fp64")
    wait_until(is_working(process), process)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - started < 60
