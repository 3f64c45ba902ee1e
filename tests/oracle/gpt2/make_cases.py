"""Writes the oracle's cases: checkpoints, inputs, and PyTorch's values for them.

    make_cases.py ROOT OUT_DIR

OUT_DIR/cases.json lists them: [{"name", "model", "folder", "tokens", "tokenizer", "edits"}]. Each folder holds
  expected.safetensors        input_ids, hidden_states, logits, every hook point: float64 rounded to float32;
                              hidden_states.f64 and logits.f64 unrounded
  pytorch_error.json          {tensor: PyTorch float32's largest error of a row, relative to its largest magnitude}
  pytorch_error_orders.json   the same, the largest over several orders of summation (orders.py): narrow cases only
  edits.json                  where edits are tried: [{"edits": [expression], "expected", "hidden_states",
                              "corrupt_ids" (where the value `corrupt` is used),
                              "pytorch_error": {"logits", "hidden_states"}}]; the two names are tensors of
  expected_edits.safetensors
and, but for the built-in model, the checkpoint itself. Exits at once when OUT_DIR is up to date.
"""
import hashlib
import json
import os
import shutil
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

import checkpoints
import edits
import gpt2
import orders
import safetensors_io

EDITED = ("three_heads", "f16", "wider", "novella_kafka")
ORDERS, NARROW = 8, 64  # of summation, where d_model is below this
# Texts of the goldens, on the built-in model.
NOVELLA = ("penguins", "kafka", "dickens")


def array(tensor):
    return np.ascontiguousarray(tensor.numpy())


def worst_row(values, reference):
    return float(gpt2.row_errors(values, reference).max())


def write_expected(folder, ids, exact, eager):
    tensors = {"input_ids": np.asarray(ids, np.int64)}
    tensors |= {name: array(value.to(torch.float32)) for name, value in exact.items()}
    tensors |= {name + ".f64": array(exact[name]) for name in ("hidden_states", "logits")}
    safetensors_io.save(folder / "expected.safetensors", tensors)
    errors = {name: worst_row(eager[name], exact[name]) for name in exact}
    (folder / "pytorch_error.json").write_text(json.dumps(errors, indent=1) + "\n")


def write_errors_of_orders(folder, ids, exact, rng):
    errors = orders.worst_rows(folder, ids, exact, rng, ORDERS)
    (folder / "pytorch_error_orders.json").write_text(json.dumps(errors, indent=1) + "\n")


def write_edits(folder, models, ids, rng):
    """`models` are the same weights in float64 and float32."""
    config = models[0].config
    paths, vectors = edits.write_vectors(folder, config["n_embd"], rng)
    corrupt_ids = rng.integers(0, config["vocab_size"], len(ids))
    clean, corrupt = ([model.run(text) for model in models] for text in (ids, corrupt_ids))
    entries, tensors = [], {}
    for i, edit in enumerate(edits.make_edits(config["n_layer"], len(ids), vectors)):
        runs = [m.run(ids, edits.bind(edit, c, x)) for m, c, x in zip(models, clean, corrupt)]
        names = {key: f"{i}.{key}" for key in ("logits", "hidden_states")}
        tensors |= {name: array(runs[0][key].to(torch.float32)) for key, name in names.items()}
        expressions = [expression.format(**paths) for expression, _, _ in edit]
        entry = {"edits": expressions, "expected": names["logits"], "hidden_states": names["hidden_states"]}
        if any("corrupt" in expression for expression in expressions):
            entry["corrupt_ids"] = corrupt_ids.tolist()
        entry["pytorch_error"] = {key: worst_row(runs[1][key], runs[0][key]) for key in names}
        entries.append(entry)
    safetensors_io.save(folder / "expected_edits.safetensors", tensors)
    (folder / "edits.json").write_text(json.dumps(entries, indent=1) + "\n")


def write_case(name, model, folder, ids, rng):
    models = [gpt2.Gpt2.from_folder(model, dtype) for dtype in (torch.float64, torch.float32)]
    exact, eager = (m.run(ids) for m in models)
    write_expected(folder, ids, exact, eager)
    if name in EDITED:
        write_edits(folder, models, ids, rng)
    if models[0].config["n_embd"] < NARROW:
        write_errors_of_orders(folder, ids, exact, rng)
    return {
        "name": name,
        "model": str(model),
        "folder": str(folder),
        "tokens": len(ids),
        "tokenizer": (model / "vocab.json").exists(),
        "edits": name in EDITED,
    }


def write_all(root, out):
    cases = []
    for name, changes in checkpoints.CASES.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))  # a case's numbers don't depend on the others
        case, folder = {**checkpoints.BASE, **changes}, out / name
        checkpoints.write_checkpoint(folder, case, rng)
        cases.append(write_case(name, folder, folder, rng.integers(0, case["vocab_size"], case["tokens"]), rng))
    for text in NOVELLA:
        name = "novella_" + text
        folder, rng = out / name, np.random.default_rng(zlib.crc32(name.encode()))
        folder.mkdir()
        ids = safetensors_io.load(root / "tests" / "golden" / f"{text}.safetensors")["input_ids"]
        cases.append(write_case(name, root / "models" / "novella-7m", folder, ids, rng))
    (out / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


def fingerprint(root, out):
    """The dependencies of the cases: these scripts, the built-in model, PyTorch, its libraries, and their paths."""
    digest = hashlib.sha256(f"{torch.__version__} {os.environ.get('LD_LIBRARY_PATH')} {root} {out}".encode())
    here = Path(__file__).resolve().parent
    inputs = sorted(here.glob("*.py")) + sorted((root / "models" / "novella-7m").glob("*"))
    for path in inputs + [root / "tests" / "golden" / f"{text}.safetensors" for text in NOVELLA]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def main(root, out):
    stamp, wanted = out / "fingerprint", fingerprint(root, out)
    if stamp.exists() and stamp.read_text() == wanted:
        print(f"{out}: up to date")
        return
    if out.exists() and not (out / "cases.json").exists():
        sys.exit(f"{out}: exists and was not written by this program; remove it")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "cases.json").write_text("[]\n")  # from here on the folder is ours, even if we are interrupted
    write_all(root, out)
    stamp.write_text(wanted)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
