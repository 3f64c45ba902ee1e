"""Ctrl-C: work stops soon, says so, and leaves nothing behind."""
import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
import time

import pytest

from program import KAFKA, PENGUINS, TIME_LIMIT, Result, interrupt, wait_until

LONG_SWEEP = ["sweep", KAFKA, "--edit", "blocks.{layer}.hook_resid_post[{position}] *= {x}", "--target", " insect"]
LONG_SWEEP += ["--over", "layer=all", "--over", "position=all", "--over", "x=1..3000"]


def stops(stratoscope, result, status=130):
    assert result.status == status, f"status {result.status}: {result.err}"
    assert result.error.startswith("interrupted: ")
    assert result.out_bytes == b""
    stratoscope.leaves_no_temporary_file()


def is_working(process):
    """Has used processor time of its own, so it is past its start."""

    def check():
        with open(f"/proc/{process.pid}/stat", encoding="utf-8") as stat:
            ticks = sum(int(field) for field in stat.read().rsplit(")", 1)[1].split()[11:13])
        return ticks >= 0.5 * os.sysconf("SC_CLK_TCK")

    return check


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


def test_a_long_run_saves_nothing(stratoscope):
    with open(stratoscope.folder / "texts.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": " ".join([KAFKA] * 15)}) + "\n" for _ in range(200))
    process = stratoscope.start("run", "--texts", "texts.jsonl", "--save", "a.npz", "--precision", "fp64")
    wait_until(is_working(process), process)
    stops(stratoscope, interrupt(process))
    assert stratoscope.files() == {"texts.jsonl"}


def test_terminating_is_interrupting(stratoscope):
    process = stratoscope.start(*LONG_SWEEP)
    wait_until(is_working(process), process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=TIME_LIMIT)
    stops(stratoscope, Result(process.returncode, out, err), status=143)


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


def fake_gnuplot(stratoscope, script):
    gnuplot = stratoscope.home / "bin" / "gnuplot"
    gnuplot.parent.mkdir()
    gnuplot.write_text(f"#!/bin/sh\n{script}\n")
    gnuplot.chmod(0o755)
    return {"PATH": f"{gnuplot.parent}:/usr/bin:/bin", "TMPDIR": stratoscope.folder.parent}


def test_a_demo_stopped_while_it_draws_leaves_the_old_one(stratoscope):
    stratoscope.succeeds("demo", "A", "--out", "out")
    before = {path.name: path.read_bytes() for path in (stratoscope.folder / "out").iterdir()}
    drawing = stratoscope.home / "drawing"
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
    drawing = stratoscope.home / "drawing"
    env = fake_gnuplot(stratoscope, f"touch {drawing}; exec sleep 100")
    process = stratoscope.start("predict", PENGUINS, "--figure", name, env=env, start_new_session=True)
    wait_until(drawing.exists, process)
    result = interrupt(process, group=reaches == "everybody")
    assert result.status == 130 and result.out_bytes == b""
    assert stratoscope.files() == set() and list(stratoscope.folder.parent.glob(".stratoscope-*")) == []


def test_a_demo_stopped_while_it_computes(stratoscope):
    process = stratoscope.start("demo", " ".join([KAFKA] * 15), "--out", "out", "--precision", "fp64")
    wait_until(is_working(process), process)
    stops(stratoscope, interrupt(process))
    assert list(stratoscope.folder.iterdir()) == []


def test_a_second_time_ends_it_at_once(stratoscope):
    process = stratoscope.start(*LONG_SWEEP, "--precision", "fp64")
    wait_until(is_working(process), process)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGINT, 130)
    assert time.monotonic() - started < 60
