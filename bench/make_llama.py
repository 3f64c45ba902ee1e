"""Writes a random checkpoint of a Llama's shape in bfloat16, for timing: make_llama.py FOLDER [KEY=NUMBER …]
Keys are those of config.json."""
import json
import pathlib
import sys

import numpy as np

from make_checkpoint import write_tokenizer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "oracle" / "gpt2"))
import safetensors_io

CONFIG = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 2048, "intermediate_size": 5632,
    "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32000,
    "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
    "tie_word_embeddings": False,
}


def weights(config, rng):
    width, inner, vocabulary = (config[key] for key in ("hidden_size", "intermediate_size", "vocab_size"))
    keys = width // config["num_attention_heads"] * config["num_key_value_heads"]

    def matrix(out, into):
        return rng.standard_normal((out, into), np.float32) * np.float32(1 / np.sqrt(into))

    def norm():
        return 1 + rng.standard_normal(width, np.float32) * np.float32(0.1)

    yield "model.embed_tokens.weight", matrix(vocabulary, width)
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}."
        yield block + "input_layernorm.weight", norm()
        for name, out in (("q", width), ("k", keys), ("v", keys), ("o", width)):
            yield f"{block}self_attn.{name}_proj.weight", matrix(out, width)
        yield block + "post_attention_layernorm.weight", norm()
        for name, out, into in (("gate", inner, width), ("up", inner, width), ("down", width, inner)):
            yield f"{block}mlp.{name}_proj.weight", matrix(out, into)
    yield "model.norm.weight", norm()
    yield "lm_head.weight", matrix(vocabulary, width)


def main():
    folder = pathlib.Path(sys.argv[1])
    config = CONFIG | {key: int(number) for key, number in (pair.split("=") for pair in sys.argv[2:])}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    safetensors_io.save(folder / "model.safetensors", dict(weights(config, np.random.default_rng(2))), "BF16", {"format": "pt"})
    write_tokenizer(folder, config["vocab_size"])


if __name__ == "__main__":
    main()
