"""Fills docs/benchmarks.md with results: the text between <!-- bench:NAME --> and <!-- end --> is replaced."""
import json
import re
import subprocess

import report
from peer import BUILD, HERE

PAGE = HERE.parent / "docs" / "benchmarks.md"
PICTURES = HERE.parent / "docs" / "images"


# Included once their data are measured.
PICTURE_OF = {
    "growth": "![Time of sweeps by grid points, tokens and blocks](images/growth.svg)",
    "forward-growth": "![Time of a forward pass by tokens and blocks](images/forward-growth.svg)",
}


def block(results, name):
    if name == "machine":
        return "\n".join(f"- {line}" for line in report.machine(results))
    if name not in results["results"]:
        return "Not measured."
    table = report.table(name, results["results"][name]).markdown()
    return f"{PICTURE_OF[name]}\n\n{table}" if name in PICTURE_OF else table


def draw(name, request):
    """By the program's own figure writers."""
    file = BUILD / "bench" / name
    subprocess.run([BUILD / "bench" / "bench_figure", file], input=json.dumps(request), text=True, check=True)
    (PICTURES / name).write_bytes(file.read_bytes())


def forward_lines(forward):
    """The medians of the forward pass over the length."""
    lengths = forward["lengths"]
    lines = [
        {
            "label": report.NAMES[kind],
            "x": [length["tokens"] for length in lengths],
            "y": [1e3 * report.median(length["seconds"][kind]) for length in lengths],
        }
        for kind in lengths[0]["seconds"]
    ]
    return {"x": "tokens", "y": "milliseconds", "lines": lines}


def growth_lines(growth, x):
    """The medians over the parameter of growth."""
    lines = [
        {
            "label": axis,
            "x": [point["value"] for point in points],
            "y": [1e3 * report.median(point["seconds"]) for point in points],
        }
        for axis, points in growth["points"].items()
    ]
    return {"x": x, "y": "milliseconds", "lines": lines}


def filled(page, results):
    marks = re.compile(r"(<!-- bench:([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
    return marks.sub(lambda mark: f"{mark[1]}{block(results, mark[2])}\n{mark[3]}", page)


def fill(results):
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    if "forward" in results["results"]:
        draw("benchmarks.svg", forward_lines(results["results"]["forward"]))
    if "growth" in results["results"]:
        draw("growth.svg", growth_lines(results["results"]["growth"], "grid points, tokens or blocks"))
    if "forward-growth" in results["results"]:
        draw("forward-growth.svg", growth_lines(results["results"]["forward-growth"], "tokens or blocks"))
