"""Writes random checkpoints of every family, and the values of each for a random text.

    make_cases.py OUT_DIR PAGE

OUT_DIR/NAME holds a checkpoint in Hugging Face layout and expected.safetensors: input_ids, hidden_states, logits and every
hook point, float64. OUT_DIR/cases.json lists the names; those of the family that PAGE, docs/adding-a-family.md, adds are in
OUT_DIR/page_cases.json. Exits at once when OUT_DIR is up to date.
"""
import hashlib
import json
import re
import shutil
import sys
import zlib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "gpt2"))
import cases
import decoder
import families
import safetensors_io
from source import RandomSource, StoredSource

TOKENS = 13  # of a text, where the case says nothing


def buffers(family, layers, rng):
    """Unused tensors of old files: masks, frequencies."""
    mask = np.tril(np.ones((1, 1, 5, 5), np.float32))
    of_family = {
        "gpt2": {"transformer.h.{}.attn.bias": mask, "transformer.h.{}.attn.masked_bias": np.float32(-1e4)},
        "gptj": {"transformer.h.{}.attn.bias": mask, "transformer.h.{}.attn.masked_bias": np.float32(-1e9)},
        "gpt_neo": {"transformer.h.{}.attn.attention.bias": mask,
                    "transformer.h.{}.attn.attention.masked_bias": np.float32(-1e9)},
        "gpt_neox": {"gpt_neox.layers.{}.attention.bias": mask,
                     "gpt_neox.layers.{}.attention.masked_bias": np.float32(-1e9),
                     "gpt_neox.layers.{}.attention.rotary_emb.inv_freq": rng.random(4).astype(np.float32)},
        "llama": {"model.layers.{}.self_attn.rotary_emb.inv_freq": rng.random(5).astype(np.float32)},
    }[family]
    return {name.format(i): np.asarray(value) for name, value in of_family.items() for i in range(layers)}


def renamed(name, own, options):
    if "prefix" in options and name.startswith(own):
        return options["prefix"] + name.removeprefix(own)
    return options.get("renamed", {}).get(name, name)


def stored_tensors(config, tensors, layers, options, rng):
    """The tensors that a file holds, under its names."""
    family, own = config["model_type"], families.FAMILIES[config["model_type"]][1][0]
    if options.get("buffers"):
        tensors = tensors | buffers(family, layers, rng)
    if options.get("head"):
        embed = next(iter(tensors.values()))
        tensors = tensors | {"lm_head.weight": rng.normal(0, 1, embed.shape).astype(np.float32)}
    if options.get("images"):
        tensors = tensors | {"vision_tower.vision_model.embeddings.patch_embedding.weight": rng.random((8, 3, 2, 2)).astype(np.float32),
                             "multi_modal_projector.mm_input_projection_weight": rng.random((8, 4)).astype(np.float32)}
    return {renamed(name, own, options): value for name, value in tensors.items()}


def write_shards(folder, tensors, formats):
    names, where = list(tensors), {}
    for i, store in enumerate(formats):
        file = f"model-{i + 1:05}-of-{len(formats):05}.safetensors"
        part = {name: tensors[name] for name in names[i :: len(formats)]}
        safetensors_io.save(folder / file, part, store, {"format": "pt"})
        where |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": sum(value.nbytes for value in tensors.values())}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))


def write_case(folder, config, options, rng):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    made = []
    model = families.build(config, lambda prefixes: made.append(RandomSource(rng)) or made[0])
    tensors = stored_tensors(config, made[0].tensors, len(model.blocks), options, rng)
    if "shards" in options:
        write_shards(folder, tensors, options["shards"])
    else:
        safetensors_io.save(folder / "model.safetensors", tensors, options.get("store"), {"format": "pt"})
    ids = rng.integers(0, len(model.embed), options.get("tokens", TOKENS))
    expected = decoder.run(families.build(config, lambda prefixes: StoredSource(folder, prefixes)), ids)
    assert all(np.isfinite(value).all() for name, value in expected.items() if not name.endswith("hook_attn_scores"))
    safetensors_io.save(folder / "expected.safetensors", {"input_ids": ids.astype(np.int64), **expected})


def cases_of_page(page):
    """Adds the page's family to families.py, and returns the page's additions to cases.py."""
    family, checkpoints = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    exec(family, vars(families))
    exec(checkpoints, vars(cases))
    return cases.all_cases([cases.toy])


def write_cases(out, listed, list_name):
    names = []
    for name, config, options in listed:
        write_case(out / name, config, options, np.random.default_rng(zlib.crc32(name.encode())))
        names.append(name)
    (out / list_name).write_text(json.dumps(names, indent=1) + "\n")


def fingerprint(page):
    here, digest = Path(__file__).resolve().parent, hashlib.sha256(np.__version__.encode())
    for path in [*sorted(here.glob("*.py")), here.parent / "gpt2" / "safetensors_io.py", page]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def main(out, page):
    stamp, wanted = out / "fingerprint", fingerprint(page)
    if stamp.exists() and stamp.read_text() == wanted:
        print(f"{out}: up to date")
        return
    if out.exists() and not (out / "cases.json").exists():
        sys.exit(f"{out}: exists and was not written by this program; remove it")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "cases.json").write_text("[]\n")  # from here on the folder is ours, even if we are interrupted
    write_cases(out, cases.all_cases(), "cases.json")
    write_cases(out, cases_of_page(page), "page_cases.json")
    stamp.write_text(wanted)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
