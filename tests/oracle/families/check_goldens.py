"""Compares decoder.py with the goldens of tests/golden/families, which another implementation made.

    check_goldens.py ROOT
"""
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "gpt2"))
import decoder
import families
import safetensors_io
from source import StoredSource

TOLERANCE = 1e-11  # of a row's largest magnitude


def worst_row(actual, expected):
    assert actual.shape == expected.shape, (actual.shape, expected.shape)
    seen = np.isfinite(expected)
    assert (np.isfinite(actual) == seen).all()
    differences = np.where(seen, np.where(seen, actual, 0) - np.where(seen, expected, 0), 0)
    tops = np.abs(np.where(seen, expected, 0)).max(-1)
    return float((np.abs(differences).max(-1) / np.maximum(tops, 1e-300)).max())


def main(root):
    folders = [path for path in sorted((root / "tests" / "golden" / "families").iterdir()) if path.is_dir()]
    assert folders
    for folder in folders:
        golden = safetensors_io.load(folder.with_suffix(".safetensors"))
        ids = golden.pop("input_ids")
        config = json.loads((folder / "config.json").read_text())
        actual = decoder.run(families.build(config, lambda prefixes: StoredSource(folder, prefixes)), ids)
        newer = {name for name in actual if name.endswith((".ln1.hook_out", ".ln2.hook_out"))}
        assert set(actual) - newer == set(golden), set(actual) ^ set(golden)
        errors = {name: worst_row(actual[name], golden[name]) for name in golden}
        name = max(errors, key=errors.get)
        print(f"{folder.name}: {len(golden)} values, the largest difference is {errors[name]:.1e}, of {name}")
        assert errors[name] <= TOLERANCE


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]).resolve())
