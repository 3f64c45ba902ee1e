"""kill -9 at any moment: the complete old file or folder, or the complete new one; the next run is not affected."""
import os
import random
import time

import pytest

from program import KAFKA, PENGUINS, fake_gnuplot, quick_gnuplot, wait_until

ROUNDS = 20


def contents(path):
    """The content of a file, or of every file of a folder; None if there is none."""
    if path.is_dir():
        return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*")}
    return path.read_bytes() if path.exists() else None


def unfinished(folder):
    return [name for name in os.listdir(folder) if name.startswith(".stratoscope-") and name.endswith(".tmp")]


def kill_somewhen(process, folder, longest, after_it_began):
    """At a random moment of its run, or of the time in which it writes."""
    delay = random.random() * longest
    if after_it_began:
        delay *= 0.1
        while process.poll() is None and not unfinished(folder):
            time.sleep(0.0005)
    try:
        process.wait(delay)
    except Exception:  # subprocess.TimeoutExpired: it lives
        process.kill()
    process.communicate()


def whole_at_any_moment(stratoscope, name, old, new, env=None):
    """Kills `new` over and over. `old` and `new` are commands that write `name`."""
    place = stratoscope.folder / name
    started = time.monotonic()
    stratoscope.succeeds(*new, env=env)
    longest = time.monotonic() - started
    after = contents(place)
    stratoscope.succeeds(*old, env=env)
    before = contents(place)
    assert before != after
    random.seed(7)
    killed = 0
    for turn in range(ROUNDS):
        process = stratoscope.start(*new, env=env)
        kill_somewhen(process, stratoscope.folder, longest, after_it_began=turn % 2 == 1)
        killed += process.returncode == -9
        assert contents(place) in (before, after)
        if contents(place) == after:
            stratoscope.succeeds(*old, env=env)
    assert killed >= ROUNDS / 3
    stratoscope.succeeds(*new, env=env)  # it asserts that nothing temporary is left, by itself or by the killed ones
    assert contents(place) == after


@pytest.mark.parametrize("name", ["a.safetensors", "a.npz"])
def test_a_saved_run(stratoscope, name):
    run = ["--save", name, "--capture", "blocks.*.hook_resid_post"]
    whole_at_any_moment(stratoscope, name, ["run", PENGUINS, *run], ["run", " ".join([KAFKA] * 5), *run])


def test_a_demo(stratoscope):
    # A demo draws for seconds; the stand-in leaves out the drawing, not the writing.
    whole_at_any_moment(
        stratoscope, "out", ["demo", "A", "--out", "out"], ["demo", "B", "--out", "out"], quick_gnuplot(stratoscope)
    )


def test_a_figure(stratoscope):
    """Script and picture are two files, each complete."""
    env = quick_gnuplot(stratoscope)
    stratoscope.succeeds("predict", "A", "--figure", "x.svg", env=env)
    for turn in range(6):
        process = stratoscope.start("predict", PENGUINS, "--figure", "x.svg", env=env)
        kill_somewhen(process, stratoscope.folder, 0.5, after_it_began=turn % 2 == 1)
        assert stratoscope.files() - set(unfinished(stratoscope.folder)) == {"x.svg", "x.gp"}
        assert (stratoscope.folder / "x.svg").read_bytes().rstrip().endswith(b"</svg>")
    stratoscope.succeeds("predict", PENGUINS, "--figure", "x.svg", env=env)


def test_a_demo_killed_while_gnuplot_draws(stratoscope):
    """gnuplot outlives the program, and may still write to its output."""
    drawing = stratoscope.folder.parent / "drawing"
    env = fake_gnuplot(stratoscope, f"touch {drawing}; sleep 1; echo half > half-a-picture")
    process = stratoscope.start("demo", "A", "--out", "out", env=env)
    wait_until(drawing.exists, process)
    process.kill()
    process.communicate()
    assert stratoscope.files() & {"out/index.html"} == set()
    time.sleep(1.5)
    drawing.unlink()
    assert unfinished(env["TMPDIR"])
    stratoscope.succeeds("demo", "A", "--out", "out", env={"TMPDIR": env["TMPDIR"]})
    assert list(env["TMPDIR"].iterdir()) == []
