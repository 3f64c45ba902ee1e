"""Fills docs/benchmarks.md with results: what stands between <!-- bench:NAME --> and <!-- end --> is replaced."""
import json
import re
import subprocess

import report
from peer import BUILD, HERE

PAGE = HERE.parent / "docs" / "benchmarks.md"
PICTURE = HERE.parent / "docs" / "images" / "benchmarks.svg"


def block(results, name):
    if name == "machine":
        return "\n".join(f"- {line}" for line in report.machine(results))
    if name not in results["results"]:
        return "Not measured."
    return report.table(name, results["results"][name]).markdown()


def draw(forward):
    """The medians of the forward pass over the length, by the program's own figure writers."""
    lengths = forward["lengths"]
    lines = [
        {
            "label": report.NAMES[kind],
            "x": [length["tokens"] for length in lengths],
            "y": [1e3 * report.median(length["seconds"][kind]) for length in lengths],
        }
        for kind in lengths[0]["seconds"]
    ]
    request = {"x": "tokens", "y": "milliseconds", "lines": lines}
    file = BUILD / "bench" / PICTURE.name
    subprocess.run([BUILD / "bench" / "bench_figure", file], input=json.dumps(request), text=True, check=True)
    PICTURE.write_bytes(file.read_bytes())


def filled(page, results):
    marks = re.compile(r"(<!-- bench:([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
    return marks.sub(lambda mark: f"{mark[1]}{block(results, mark[2])}\n{mark[3]}", page)


def fill(results):
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    if "forward" in results["results"]:
        draw(results["results"]["forward"])
