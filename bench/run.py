"""./run bench: Stratoscope compared with its peers, and the update of docs/benchmarks.md."""
import argparse
import json
import os
import sys

import benchmarks
import document
import machine
import report
import setup

RESULTS = setup.BUILD / "bench" / "results.json"


def options():
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description="Compares the times of Stratoscope, PyTorch, ONNX Runtime, llama.cpp, npm's tokenizers and curl, "
        "interleaved, on GPT-2 small's shape. `./run bench self` times this machine alone, in process: `stratoscope bench`.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(benchmarks.ALL)} (default: all)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of every program (default: all cores)")
    parser.add_argument("--quick", action="store_true", help="only two rounds of each benchmark, to check that it works")
    parser.add_argument("--text", metavar="FILE", help="text for the tokenizers (default: made-up prose)")
    parser.add_argument("--json", action="store_true", help="print every measured value as one JSON document")
    parser.add_argument("--markdown", action="store_true", help="only update docs/benchmarks.md with the last results")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in benchmarks.ALL]
    if unknown:
        parser.error(f"no such benchmark: {unknown[0]}; there are {', '.join(benchmarks.ALL)}")
    return given


def measure(given):
    """Runs the benchmarks; their results replace those of the same name in the last document of this machine."""
    about = machine.describe(given.threads)
    last = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results = last["results"] if last.get("machine") == about else {}
    names = given.names or list(benchmarks.ALL)
    done = []
    for name in names:
        busy = machine.busy_share()
        if busy > 0.05:
            setup.say(f"this machine is {busy:.0%} busy with other things: {name} will not be fair")
        setup.say(name)
        result = benchmarks.ALL[name](benchmarks.Settings(given.threads, given.quick, given.text))
        if result is None:
            continue
        results[name] = {"busy": busy, **result}
        done.append(name)
        # In the order of ALL, independent of the order of runs.
        ordered = {known: results[known] for known in benchmarks.ALL if known in results}
        RESULTS.write_text(json.dumps({"machine": about, "results": ordered}, indent=1) + "\n")
    return {"machine": about, "results": {name: results[name] for name in done}}


def main():
    given = options()
    setup.DATA.mkdir(parents=True, exist_ok=True)
    if given.markdown:
        if not RESULTS.exists():
            sys.exit("bench: there are no results yet: ./run bench")
        return document.fill(json.loads(RESULTS.read_text()))
    measured = measure(given)
    print(json.dumps(measured) if given.json else report.text(measured, measured["results"]))


if __name__ == "__main__":
    main()
