"""Writes a random checkpoint of GPT-2 small's shape, for timing: make_checkpoint.py FOLDER [KEY=NUMBER …]
Keys are those of config.json (n_layer=24 n_embd=1024 n_head=16 is GPT-2 medium's shape)."""
import itertools
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "oracle" / "gpt2"))
import checkpoints
import safetensors_io

GPT2_SMALL = dict(n_embd=768, n_head=12, n_layer=12, n_inner=None, n_positions=1024, vocab_size=50257, first=2000)


def write_tokenizer(folder, vocab_size):
    """256 bytes, two-letter tokens, and four-letter tokens out of those, until the vocabulary is full."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    twos = [(a, b) for a in "Ġ" + letters for b in letters]
    fours = ((a + b, c + d) for (a, b), (c, d) in itertools.product(twos, [t for t in twos if t[0] != "Ġ"]))
    merges = list(itertools.islice(itertools.chain(twos, fours), vocab_size - 257))
    tokens = checkpoints.byte_letters() + [a + b for a, b in merges] + ["<|endoftext|>"]
    vocab = json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False)
    (folder / "vocab.json").write_text(vocab, encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")


def main():
    folder = pathlib.Path(sys.argv[1])
    case = GPT2_SMALL | {key: int(number) for key, number in (pair.split("=") for pair in sys.argv[2:])}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(checkpoints.make_config(case), indent=2) + "\n")
    weights = checkpoints.make_weights(case, np.random.default_rng(2))
    safetensors_io.save(folder / "model.safetensors", weights, None, {"format": "pt"})
    write_tokenizer(folder, case["vocab_size"])


if __name__ == "__main__":
    main()
