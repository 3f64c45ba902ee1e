"""Too little memory (ulimit -v): the result, or one error line and status 1; no crash, no incomplete file."""
import json
import resource
import signal
import subprocess

import pytest

from program import KAFKA, PENGUINS, TIME_LIMIT, fake_gnuplot, is_working, wait_until

MEBI = 1 << 20
SWEEP = ["sweep", KAFKA, "--target", " insect", "--over", "layer=all"]
SWEEP += ["--edit", "blocks.{layer}.hook_resid_post *= 0.8"]
COMMANDS = {
    "predict": ["predict", PENGUINS],
    "run": ["run", PENGUINS, "--save", "a.npz", "--capture", "blocks.*.hook_resid_post"],
    "sweep": SWEEP,
    "demo": ["demo", "--out", "out"],
}


def with_address_space(count):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (count, count))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return limit


def starts_within(stratoscope, mebi):
    return stratoscope.run("--version", preexec_fn=with_address_space(mebi * MEBI)).status == 0


@pytest.fixture
def smallest(stratoscope):
    """The fewest MiB, in steps of four, in which the system can load the program."""
    if not starts_within(stratoscope, 1024):
        pytest.skip("this build reserves so many addresses that no limit leaves it any (a sanitizer does)")
    low, high = 0, 256
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if starts_within(stratoscope, 4 * middle) else (middle, high)
    return 4 * high


@pytest.mark.parametrize("threads", [1, 16])
@pytest.mark.parametrize("name", COMMANDS)
def test_any_limit(stratoscope, smallest, name, threads):
    command = [*COMMANDS[name], "--threads", threads]
    # Gnuplot's own memory is not tested; the stand-in needs hardly any and draws nothing.
    env = fake_gnuplot(stratoscope, "exit 1")
    enough = 0
    for number, mebi in enumerate(range(smallest, smallest + 208, 8)):
        limit = with_address_space((mebi + number % 8) * MEBI)
        result = stratoscope.run(*command, preexec_fn=limit, env=env)
        assert result.status in (0, 1), f"{mebi} MiB: status {result.status}: {result.err}"
        if result.status == 1:
            assert result.error.startswith(("memory: ", "threads: ", "file: ", "demo: ")), f"{mebi} MiB: {result.err}"
        made = stratoscope.files()
        assert made == set() or result.status == 0 or "could not be drawn" in result.error
        enough += result.status == 0 or "could not be drawn" in result.error
        for file in made:
            (stratoscope.folder / file).unlink()
    assert 3 <= enough <= 24, "the limits reach from too little to enough"


@pytest.mark.parametrize("file", ["a.safetensors", "a.npz"])
def test_memory_does_not_grow_with_the_number_of_texts(stratoscope, smallest, file):
    """The written and the read files are many times larger than the memory of the program."""
    room = (smallest + 220) * MEBI
    with open(stratoscope.folder / "texts.jsonl", "w", encoding="utf-8") as texts:
        for count in [1, 15, 4] * 20:
            texts.write(json.dumps({"text": " ".join([KAFKA] * count)}) + "\n")
            texts.write(" " * (room // 60) + "\n")
    limit = with_address_space(room)
    command = ["run", "--texts", "texts.jsonl", "--save", file, "--threads", 2, "--capture", "blocks.*.hook_mlp_out"]
    command += ["blocks.*.mlp.hook_post"]
    stratoscope.succeeds(*command, preexec_fn=limit)
    for name in ("texts.jsonl", file):
        assert (stratoscope.folder / name).stat().st_size > room, name


def test_too_many_threads_say_so(stratoscope, smallest):
    limit = with_address_space((smallest + 600) * MEBI)
    stratoscope.fails("predict", "A", "--threads", 1024, "--json", preexec_fn=limit, says=["1024 threads", "--threads"])
    stratoscope.succeeds("predict", "A", "--threads", 4, "--json", preexec_fn=limit)


def test_a_library_that_gives_up_is_still_an_error_line(stratoscope):
    """It calls exit() as OpenMP's runtime does when it gets no memory; here the C library seems to."""
    source, library = (stratoscope.folder.parent / name for name in ("gives_up.c", "gives_up.so"))
    source.write_text("#include <stdlib.h>\nint sched_getaffinity(void) { exit(0); }\n", encoding="ascii")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    stratoscope.fails("predict", "A", "--threads", 4, "--json", env={"LD_PRELOAD": library}, says="memory: a required library")


def test_any_other_crash_stays_a_crash(stratoscope):
    process = stratoscope.start(*SWEEP, "--over", "x=1..3000", "--edit", "blocks.{layer}.hook_mlp_out *= {x}")
    wait_until(is_working(process), process)
    process.send_signal(signal.SIGSEGV)
    assert process.wait(TIME_LIMIT) == -signal.SIGSEGV
    process.communicate()


def test_the_limit_is_named(stratoscope, smallest):
    limit = with_address_space((smallest + 20) * MEBI)
    stratoscope.fails("predict", "A", "--json", preexec_fn=limit, says=["memory: there is not enough", "ulimit -v"])
