"""Prints docs/numerics.md's table of precisions: precision_table.py PROGRAM MODEL …
The largest error of any row of the residual stream after each block against float64, relative to the row's largest
magnitude, on the texts of the goldens: by `stratoscope verify`."""
import json
import pathlib
import subprocess
import sys

PRECISIONS = ["fp32", "bf16"]
program, models = sys.argv[1], sys.argv[2:]
texts = json.loads((pathlib.Path(__file__).resolve().parents[2] / "golden" / "tokens.json").read_text())[:3]


def errors(model, precision):
    """{depth: error}, with "logits" last."""
    worst = {}
    for text in texts:
        command = [program, "verify", "--json", "--model", model, "--precision", precision, text["text"]]
        report = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for point in json.loads(report)["hook_points"]:
            name = point["name"]
            if name.endswith("hook_resid_post"):
                depth = int(name.split(".")[1])
            elif name == "unembed.hook_out":
                depth = "logits"
            else:
                continue
            worst[depth] = max(worst.get(depth, 0), point["max_rel"])
    return worst


columns = {(model, precision): errors(model, precision) for model in models for precision in PRECISIONS}
depths = list(dict.fromkeys(depth for column in columns.values() for depth in column))
print("| after block | " + " | ".join(f"{pathlib.Path(model).name} {precision}" for model, precision in columns) + " |")
print("|---" * (len(columns) + 1) + "|")
for depth in depths:
    cells = [f"{column[depth]:.1e}" if depth in column else "" for column in columns.values()]
    print(f"| {depth} | " + " | ".join(cells) + " |")
