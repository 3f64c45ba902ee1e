"""Seeded random GPT-2 checkpoints in Hugging Face layout, shaped to be awkward and scaled to behave like trained ones:
the residual stream grows with depth, two of its dimensions are outliers, the first position is far larger than the
rest, attention is neither flat nor one-hot."""
import json

import numpy as np

import safetensors_io

# Name, then the differences from BASE. `first` is the size of the first position's outliers, `store` the file's number
# format, `prefix` what precedes the names, `buffers` adds the masks that old files carry, `head` an lm_head.weight:
# "trained" (which counts whatever config.json says), or "equal" to the embedding.
BASE = dict(n_embd=48, n_head=3, n_layer=2, n_inner=None, n_positions=64, vocab_size=311, tokens=11, first=40)
CASES = {
    "three_heads": dict(n_inner=100),
    "one_token": dict(tokens=1),
    "full_context": dict(tokens=64, n_layer=3),
    "f16": dict(store="F16"),
    "bf16": dict(store="BF16"),
    "separate_head": dict(head="trained", config=dict(tie_word_embeddings=False)),
    "separate_head_in_file": dict(head="trained"),
    "tied_head_in_file": dict(head="equal"),
    "prefix_and_buffers": dict(prefix="transformer.", buffers=True),
    "gelu": dict(config=dict(activation_function="gelu")),
    "relu": dict(config=dict(activation_function="relu")),
    "unscaled_attention": dict(config=dict(scale_attn_weights=False)),
    "scaled_by_layer": dict(n_layer=3, config=dict(scale_attn_by_inverse_layer_idx=True)),
    "eps_1e-3": dict(config=dict(layer_norm_epsilon=1e-3)),
    "one_layer_one_head": dict(n_layer=1, n_head=1, n_embd=24, vocab_size=29),
    "head_size_one": dict(n_embd=5, n_head=5),
    "wider": dict(n_embd=192, n_head=6, n_layer=4, n_positions=128, tokens=128, vocab_size=523, first=600),
    "gpt2_width": dict(n_embd=768, n_head=12, n_positions=128, tokens=100, vocab_size=1000, first=2000),
}


def make_config(case):
    names = ("n_embd", "n_head", "n_layer", "n_inner", "n_positions", "vocab_size")
    end = case["vocab_size"] - 1
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "bos_token_id": end,
        "eos_token_id": end,
        **{name: case[name] for name in names},
        **case.get("config", {}),
    }


def make_weights(case, rng):
    width, layers, inner = case["n_embd"], case["n_layer"], case["n_inner"] or 4 * case["n_embd"]
    outliers = [width // 3, width - 1]

    def normal(scale, *shape):
        return rng.normal(0, scale, shape).astype(np.float32)

    def norm(name):
        gain = 1 + normal(0.3, width)
        gain[outliers] *= 0.2  # trained models tame their outliers here
        return {name + ".weight": gain, name + ".bias": normal(0.1, width)}

    def linear(name, rows, columns, gain, out_outliers=False):
        weight, bias = normal(gain / rows**0.5, rows, columns), normal(0.1, columns)
        if out_outliers:
            weight[:, outliers] *= 6
        return {name + ".weight": weight, name + ".bias": bias}

    wte, wpe = normal(0.15, case["vocab_size"], width), normal(0.05, case["n_positions"], width)
    wte[:, outliers] *= 4
    wpe[0, outliers] += case["first"]
    weights = {"wte.weight": wte, "wpe.weight": wpe}
    for layer in range(layers):
        block = f"h.{layer}."
        weights |= norm(block + "ln_1")
        weights |= linear(block + "attn.c_attn", width, 3 * width, 1.2)
        weights |= linear(block + "attn.c_proj", width, width, 0.6, out_outliers=True)
        weights |= norm(block + "ln_2")
        weights |= linear(block + "mlp.c_fc", width, inner, 1.0)
        weights |= linear(block + "mlp.c_proj", inner, width, 1.0, out_outliers=True)
    weights |= norm("ln_f")
    if case.get("buffers"):
        mask = np.tril(np.ones((1, 1, case["n_positions"], case["n_positions"]), np.float32))
        for layer in range(layers):
            weights[f"h.{layer}.attn.bias"] = mask
            weights[f"h.{layer}.attn.masked_bias"] = np.array(-1e4, np.float32)
    weights = {case.get("prefix", "") + name: array for name, array in weights.items()}
    if case.get("head") == "trained":
        weights["lm_head.weight"] = normal(0.15, case["vocab_size"], width)
    if case.get("head") == "equal":
        weights["lm_head.weight"] = weights["wte.weight"].copy()
    return weights


def byte_letters():
    """GPT-2's printable letter for each byte value, in the order of its vocabulary."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]


def write_tokenizer(folder, vocab_size):
    """vocab.json and merges.txt: the 256 bytes, as many two-letter merges as fit, <|endoftext|> last."""
    lower = "etaoinshrdlucmfwypvbgkjqxz"
    pairs = [(a, b) for a in "Ġ" + lower + lower.upper() for b in lower]
    merges = pairs[: vocab_size - 257]
    tokens = byte_letters() + [a + b for a, b in merges] + ["<|endoftext|>"]
    assert len(tokens) == len(set(tokens)) == vocab_size
    vocab = json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False)
    (folder / "vocab.json").write_text(vocab, encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")


def write_checkpoint(folder, case, rng):
    """Writes the folder and returns its config; without a tokenizer if there are fewer than 257 tokens."""
    folder.mkdir(parents=True)
    config = make_config(case)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    weights = make_weights(case, rng)
    safetensors_io.save(folder / "model.safetensors", weights, case.get("store"), {"format": "pt"})
    if case["vocab_size"] >= 257:
        write_tokenizer(folder, case["vocab_size"])
    return config
