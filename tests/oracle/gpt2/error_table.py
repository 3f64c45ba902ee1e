"""Prints the table of docs/numerics.md: error_table.py PROGRAM CASES_FOLDER
The largest error of any row against float64, relative to the row's largest magnitude, per hook point: the engine's, by
`stratoscope verify`, beside that of PyTorch float32 (eager), by make_cases.py, on the texts of the goldens."""
import collections
import json
import pathlib
import subprocess
import sys

program, cases = sys.argv[1], pathlib.Path(sys.argv[2])
goldens = pathlib.Path(__file__).resolve().parents[2] / "golden"
TEXTS = json.loads((goldens / "tokens.json").read_text())
NAMES = {"novella_penguins": TEXTS[0]["text"], "novella_kafka": TEXTS[1]["text"], "novella_dickens": TEXTS[2]["text"]}

ours, pytorch = collections.defaultdict(float), collections.defaultdict(float)
depth = collections.defaultdict(dict)  # of hook_resid_post, by block
for name, text in NAMES.items():
    report = subprocess.run([program, "verify", "--json", text], check=True, capture_output=True, text=True).stdout
    errors = json.loads((cases / name / "pytorch_error.json").read_text())
    for point in json.loads(report)["hook_points"]:
        block = point["name"].split(".")[1] if point["name"].startswith("blocks.") else None
        short = point["name"].split(".", 2)[2] if block else point["name"]
        ours[short] = max(ours[short], point["max_rel"])
        pytorch[short] = max(pytorch[short], errors[point["name"]])
        if short == "hook_resid_post":
            was = depth[int(block)].get(name, (0, 0))
            depth[int(block)][name] = (max(was[0], point["max_rel"]), max(was[1], errors[point["name"]]))

print("| hook point | engine | PyTorch float32 |\n|---|---|---|")
for short in ours:
    print(f"| `{short}` | {ours[short]:.1e} | {pytorch[short]:.1e} |")
print("\n| `hook_resid_post` of block | engine | PyTorch float32 |\n|---|---|---|")
for block, texts in sorted(depth.items()):
    print(f"| {block} | {max(e for e, _ in texts.values()):.1e} | {max(p for _, p in texts.values()):.1e} |")
