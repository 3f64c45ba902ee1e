"""Writes a folder of bench/make_checkpoint.py as GGUF, for llama.cpp: make_gguf.py FOLDER FILE.gguf F32|BF16|Q8_0

The matrices are in the named format, everything else in float32. Layout: a header of counts, key-value pairs, the
tensors' names, shapes (innermost first), formats and offsets, and behind them the aligned bytes.
"""
import json
import os
import pathlib
import struct
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tests" / "oracle" / "gpt2"))
import safetensors_io

FORMATS = {"F32": 0, "Q8_0": 8, "BF16": 30}
UINT32, FLOAT32, STRING, ARRAY, INT32 = 4, 6, 8, 9, 5
ALIGNMENT, NORMAL, CONTROL = 32, 1, 3

BLOCK = {
    "ln_1.weight": "attn_norm.weight", "ln_1.bias": "attn_norm.bias",
    "attn.c_attn.weight": "attn_qkv.weight", "attn.c_attn.bias": "attn_qkv.bias",
    "attn.c_proj.weight": "attn_output.weight", "attn.c_proj.bias": "attn_output.bias",
    "ln_2.weight": "ffn_norm.weight", "ln_2.bias": "ffn_norm.bias",
    "mlp.c_fc.weight": "ffn_up.weight", "mlp.c_fc.bias": "ffn_up.bias",
    "mlp.c_proj.weight": "ffn_down.weight", "mlp.c_proj.bias": "ffn_down.bias",
}
REST = {"wte.weight": "token_embd.weight", "wpe.weight": "position_embd.weight",
        "ln_f.weight": "output_norm.weight", "ln_f.bias": "output_norm.bias"}


def string(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def value(kind, content):
    return {UINT32: lambda: struct.pack("<I", content), INT32: lambda: struct.pack("<i", content),
            FLOAT32: lambda: struct.pack("<f", content), STRING: lambda: string(content)}[kind]()


def pair(key, kind, content):
    return string(key) + struct.pack("<I", kind) + value(kind, content)


def array(key, kind, contents):
    return string(key) + struct.pack("<IIQ", ARRAY, kind, len(contents)) + b"".join(value(kind, c) for c in contents)


def metadata(folder):
    config = json.loads((folder / "config.json").read_text())
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    tokens = sorted(vocabulary, key=vocabulary.get)
    merges = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
    width = config["n_embd"]
    return [
        pair("general.architecture", STRING, "gpt2"),
        pair("gpt2.context_length", UINT32, config["n_positions"]),
        pair("gpt2.embedding_length", UINT32, width),
        pair("gpt2.feed_forward_length", UINT32, config["n_inner"] or 4 * width),
        pair("gpt2.block_count", UINT32, config["n_layer"]),
        pair("gpt2.attention.head_count", UINT32, config["n_head"]),
        pair("gpt2.attention.layer_norm_epsilon", FLOAT32, config["layer_norm_epsilon"]),
        pair("tokenizer.ggml.model", STRING, "gpt2"),
        pair("tokenizer.ggml.pre", STRING, "gpt-2"),
        array("tokenizer.ggml.tokens", STRING, tokens),
        array("tokenizer.ggml.token_type", INT32, [NORMAL] * (len(tokens) - 1) + [CONTROL]),
        array("tokenizer.ggml.merges", STRING, merges),
        pair("tokenizer.ggml.bos_token_id", UINT32, len(tokens) - 1),
        pair("tokenizer.ggml.eos_token_id", UINT32, len(tokens) - 1),
    ]


def q8_0(matrix):
    """32 numbers as a float16 scale and 32 bytes."""
    blocks = matrix.reshape(-1, 32)
    scales = np.abs(blocks).max(1, keepdims=True) / 127
    quanta = np.rint(np.divide(blocks, scales, out=np.zeros_like(blocks), where=scales > 0)).astype(np.int8)
    return np.hstack([scales.astype(np.float16).view(np.uint8), quanta.view(np.uint8)]).tobytes()


def stored(values, name):
    """The bytes of a tensor in a format."""
    values = np.ascontiguousarray(values, np.float32)
    return {"F32": values.tobytes, "BF16": lambda: safetensors_io.to_bf16_bits(values).tobytes(), "Q8_0": lambda: q8_0(values)}[name]()


def tensors(folder, name):
    """(name, shape, format, bytes) of each."""
    for source, values in safetensors_io.load(folder / "model.safetensors").items():
        if source in REST:
            target = REST[source]
        else:
            _, layer, rest = source.split(".", 2)
            if rest not in BLOCK:
                continue
            target = f"blk.{layer}.{BLOCK[rest]}"
            if values.ndim == 2:
                values = values.T  # [out, in]
        kind = name if values.ndim == 2 and source != "wpe.weight" else "F32"
        yield target, values.shape, kind, stored(values, kind)


def main(folder, file, name):
    pairs, all_tensors = metadata(pathlib.Path(folder)), list(tensors(pathlib.Path(folder), name))
    header = b"GGUF" + struct.pack("<IQQ", 3, len(all_tensors), len(pairs)) + b"".join(pairs)
    offset = 0
    for target, shape, kind, data in all_tensors:
        dims = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        header += string(target) + dims + struct.pack("<IQ", FORMATS[kind], offset)
        offset += len(data) + -len(data) % ALIGNMENT
    part = file + ".part"
    with open(part, "wb") as out:
        out.write(header + b"\0" * (-len(header) % ALIGNMENT))
        for *_, data in all_tensors:
            out.write(data + b"\0" * (-len(data) % ALIGNMENT))
    os.replace(part, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
