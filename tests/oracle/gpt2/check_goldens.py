"""Holds gpt2.py in float64 against the goldens of the built-in model: two independent implementations must agree.

    check_goldens.py ROOT      (the repository's root)

The goldens are rounded to float32, so agreement is to 1e-6 of each row's largest magnitude.
"""
import sys
from pathlib import Path

import torch

import gpt2
import safetensors_io

LIMIT = 1e-6


def main(root):
    model = gpt2.Gpt2.from_folder(root / "models" / "novella-7m")
    failed = compared = 0
    for path in sorted((root / "tests" / "golden").glob("*.safetensors")):
        golden = safetensors_io.load(path)
        values = model.run(golden.pop("input_ids"))
        worst, where = 0.0, ""
        for name, array in golden.items():
            error = gpt2.row_errors(torch.from_numpy(array), values[name]).max().item()
            compared += 1
            if error >= worst:
                worst, where = error, name
            if not error <= LIMIT:
                failed += 1
                print(f"{path.name}: {name}: row error {error:.2e} exceeds {LIMIT:.0e}")
        print(f"{path.name}: {len(golden)} tensors, largest row error {worst:.2e} ({where})")
    if compared == 0:
        print("no goldens found")
    return 1 if failed or compared == 0 else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
