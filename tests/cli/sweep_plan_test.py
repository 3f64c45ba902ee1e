"""`sweep` on large grids: the plan, the memory limit, and resuming after a stop."""
import json
import os
import re

import numpy as np
import pytest

from program import KAFKA, PENGUINS, interrupt, wait_until, write_lines

# Only the last blocks, where a grid point costs little.
GRID = ["--edit", "blocks.{layer}.hook_resid_pre[{position}] *= 0.5", "--over", "layer=9..11", "--over", "position=all",
        "--metric", "kl"]
POINTS = 3 * 24
SCALE = ["--edit", "blocks.{layer}.hook_resid_post *= 0.8"]


def values(result):
    return [point["value"] for point in result["results"]]


def test_the_plan(stratoscope):
    grid = ["--edit", "blocks.{layer}.hook_resid_pre[{position}] *= 0", "--over", "layer=all", "--over", "position=all"]
    line = stratoscope.prints("sweep", KAFKA, *grid, "--metric", "kl", "--plan")
    match = re.fullmatch(r"(\d+) grid points: (\S+) of (\S+) billion operations \(whole runs\), \d+ MiB in 1 slice, about \S+ s\n", line)
    assert match and int(match[1]) == 12 * 24
    assert float(match[2]) < 0.4 * float(match[3])
    plan = stratoscope.json("sweep", KAFKA, *grid, "--metric", "kl", "--plan")["plan"]
    assert plan["cells"] == 12 * 24 and plan["slices"] == 1 and plan["known"] == 0
    limit = plan["bytes"] * 2 // 5
    small = stratoscope.json("sweep", KAFKA, *grid, "--metric", "kl", "--plan", "--memory-limit", limit)["plan"]
    assert small["slices"] > 1 and small["bytes"] <= limit


def test_the_plan_counts_the_runs_that_values_are_read_from(stratoscope):
    """And does not run them: an empty clean run and one of the other text are a known number of operations."""
    grid = ["sweep", KAFKA, "--over", "layer=all", "--metric", "kl", "--plan", "--edit"]
    plan = lambda *edits: stratoscope.json(*grid, *edits)["plan"]["operations"]
    number = plan("blocks.{layer}.hook_mlp_out = 1")
    tokens, d, m, blocks = stratoscope.json("tokens", KAFKA)["count"], 192, 768, 12
    a_run = blocks * (2 * tokens * (4 * d * d + 2 * d * m) + 4 * d * tokens * (tokens + 1) // 2)
    assert plan("blocks.{layer}.hook_mlp_out = mean") == number + a_run
    assert plan("blocks.{layer}.hook_mlp_out = corrupt", "--corrupt", KAFKA) == number + a_run
    both = ["blocks.{layer}.hook_mlp_out = corrupt", "--edit", "blocks.0.hook_resid_mid = mean", "--corrupt", KAFKA]
    assert plan(*both) > number + 2 * a_run


def test_the_plan_knows_what_is_done(stratoscope):
    sweep = ["sweep", KAFKA, *GRID, "--resume", "done.jsonl"]
    first = stratoscope.json(*sweep, "--plan")["plan"]
    assert not (stratoscope.folder / "done.jsonl").exists(), "a plan begins nothing"
    stratoscope.succeeds(*sweep)
    journal = stratoscope.folder / "done.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:31]) + "[0,")
    before = journal.read_bytes()
    plan = stratoscope.json(*sweep, "--plan")["plan"]
    assert plan["known"] == 30 and plan["operations"] < first["operations"]
    assert f"{POINTS} grid points, 30 of them done: " in stratoscope.prints(*sweep, "--plan")
    assert journal.read_bytes() == before


def peak(stratoscope, *arguments):
    """The peak memory of a run, in bytes."""
    process = stratoscope.start(*arguments)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    process.stdout.close(), process.stderr.close()
    assert status == 0
    return usage.ru_maxrss * 1024


@pytest.mark.skipif(bool(os.environ.get("SANITIZER")), reason="a sanitizer's memory is its own")
@pytest.mark.parametrize("grid", ["residual", "corrupt", "whole", "prompts", "patterns"])
def test_the_memory_that_is_planned_bounds_what_is_used(stratoscope, grid):
    """In addition to the memory for the model and for one cheap grid point."""
    prompts = [{"text": f"{i} {PENGUINS}", "target": " I"} for i in range(200)]
    write_lines(stratoscope, "p.jsonl", prompts)
    text, layers = [" ".join([KAFKA] * 6)], ["--over", "layer=all"]
    positions = [*layers, "--over", "position=0:25"]
    sweep = {
        "residual": [*text, "--edit", "blocks.{layer}.hook_resid_pre[{position}] *= 0.5", *positions],
        "corrupt": [*text, "--edit", "blocks.{layer}.mlp.hook_post[{position}] = corrupt", "--corrupt", *text, *positions],
        "whole": [*text, "--edit", "blocks.{layer}.hook_mlp_out[{position}] *= 0", *positions, "--whole"],
        "prompts": ["--prompts", "p.jsonl", *SCALE, *layers],
        "patterns": [*text, "--edit", "blocks.{layer}.attn.hook_pattern[{position}] *= 0.5", *positions],
    }[grid]
    target = ["--target", " he found himself transformed in his bed into a gigantic insect"] if grid == "whole" else ["--target", " I"]
    little = ["sweep", "He", "--edit", "unembed.hook_in *= 1", "--target", " I", "--threads", 2]
    base = peak(stratoscope, *little)
    command = ["sweep", *sweep, *target, "--threads", 2, "--save", "all.npz"]
    whole = stratoscope.json(*command[:-2], "--plan")["plan"]["bytes"]
    values = None
    for limit in (whole, whole * 3 // 4):
        planned = stratoscope.json(*command[:-2], "--plan", "--memory-limit", limit)["plan"]["bytes"]
        assert planned <= limit
        # The system counts whole pages and the heap's own.
        assert peak(stratoscope, *command, "--memory-limit", limit) - base <= planned + (6 << 20)
        saved = np.load(stratoscope.folder / "all.npz")["values"].tolist()
        assert values in (None, saved), "no bit depends on it"
        values = saved


def test_memory_limits_change_no_bit(stratoscope):
    grid = ["sweep", KAFKA, "--edit", "blocks.{layer}.hook_resid_pre[{position}] *= 0", "--over", "layer=8..11", "--over",
            "position=all", "--metric", "kl"]
    limit = stratoscope.json(*grid, "--plan")["plan"]["bytes"] * 2 // 5
    assert stratoscope.json(*grid) == stratoscope.json(*grid, "--memory-limit", limit)
    stratoscope.fails(*grid, "--memory-limit", "10K", says="raise --memory-limit")
    stratoscope.fails(*grid, "--memory-limit", "lots", says="write it like 512M or 4G")




def test_a_sweep_goes_on_where_it_was_stopped(stratoscope):
    whole = stratoscope.json("sweep", KAFKA, *GRID)
    stratoscope.succeeds("sweep", KAFKA, *GRID, "--resume", "done.jsonl")
    journal = stratoscope.folder / "done.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    assert len(lines) == 1 + POINTS
    for kept in (1, 30, 1 + POINTS):
        # As kill -9 leaves it: some points, and a line that is cut.
        journal.write_text("".join(lines[:kept]) + lines[min(kept, POINTS)][:7] * (kept <= POINTS))
        assert stratoscope.json("sweep", KAFKA, *GRID, "--resume", "done.jsonl") == whole
        assert sorted(journal.read_text().splitlines()) == sorted(line.rstrip() for line in lines)


def test_what_is_known_is_not_run_again(stratoscope):
    stratoscope.succeeds("sweep", KAFKA, *GRID, "--resume", "done.jsonl")
    journal = stratoscope.folder / "done.jsonl"
    lines = journal.read_text().splitlines()
    row = json.loads(lines[5])
    lines[5] = json.dumps([row[0], row[1], 42.5, row[3], row[4]])
    journal.write_text("\n".join(lines) + "\n")
    assert 42.5 in values(stratoscope.json("sweep", KAFKA, *GRID, "--resume", "done.jsonl"))


def test_ctrl_c_keeps_what_is_done(stratoscope):
    many = [*GRID[:4], "--over", "position=all", "--over", "x=0..60", "--metric", "kl"]
    many[1] = "blocks.{layer}.hook_resid_pre[{position}] *= {x}"
    process = stratoscope.start("sweep", KAFKA, *many, "--resume", "done.jsonl")
    journal = stratoscope.folder / "done.jsonl"
    wait_until(lambda: journal.exists() and journal.stat().st_size > 10_000, process)
    assert interrupt(process).status == 130
    done = [json.loads(line) for line in journal.read_text().splitlines()[1:]]
    assert 0 < len(done) < POINTS * 61 and len({(p, c) for p, c, *_ in done}) == len(done)


def test_a_journal_of_other_vectors_is_refused(stratoscope):
    sweep = ["sweep", KAFKA, "--edit", "blocks.{layer}.hook_resid_post += {file}", "--over", "layer=0,1", "--over",
             "file=d.npy", "--metric", "kl", "--resume", "done.jsonl"]
    np.save(stratoscope.folder / "d.npy", np.ones(192))
    stratoscope.succeeds(*sweep)
    np.save(stratoscope.folder / "d.npy", np.ones(192) * 2)
    stratoscope.fails(*sweep, says="'files' differs", leaves=["done.jsonl"])


def test_float64_goes_on_too(stratoscope):
    sweep = ["sweep", "He was", *SCALE, "--over", "layer=0..2", "--metric", "kl", "--precision", "fp64", "--resume", "d.jsonl"]
    first = stratoscope.json(*sweep)
    before = (stratoscope.folder / "d.jsonl").read_bytes()
    assert stratoscope.json(*sweep) == first
    assert (stratoscope.folder / "d.jsonl").read_bytes() == before


def test_what_can_never_be_drawn_or_written_is_refused_before_the_work(stratoscope):
    grid = ["sweep", PENGUINS, "--edit", "blocks.{layer}.hook_resid_pre[{position}] *= {x}", "--over", "layer=all",
            "--over", "position=all", "--metric", "kl"]
    stratoscope.fails(*grid[:4], "--over", "x=0..40", *grid[4:], "--figure", "f.svg", says="heat maps")
    grid += ["--over", "x=1"]
    stratoscope.fails(*grid, "--save", "no/such/r.csv", says="no/such")
    stratoscope.fails(*grid, "--record", "no/such/r.json", says="no/such")
    stratoscope.fails(*grid, "--save", "r.json", "--resume", "r.json", says="the same file")


def test_a_journal_of_something_else_is_refused(stratoscope):
    stratoscope.succeeds("sweep", KAFKA, *GRID, "--resume", "done.jsonl")
    before = (stratoscope.folder / "done.jsonl").read_bytes()
    fails = lambda *arguments, says: stratoscope.fails("sweep", *arguments, says=says, leaves=["done.jsonl"])
    fails(PENGUINS, *GRID, "--resume", "done.jsonl", says="'prompts' differs")
    fails(KAFKA, *GRID[:-1], "entropy", "--resume", "done.jsonl", says="'metric' differs")
    (stratoscope.folder / "x.txt").write_text("mine\n")
    stratoscope.fails("sweep", KAFKA, *GRID, "--resume", "x.txt", says="not the journal of a sweep")
    assert (stratoscope.folder / "x.txt").read_text() == "mine\n"
    assert (stratoscope.folder / "done.jsonl").read_bytes() == before
    stratoscope.fails("sweep", KAFKA, *GRID, "--resume", "no/such/folder.jsonl", says="cannot be opened")
