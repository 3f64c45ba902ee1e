"""The seeds of each fuzzer: small valid files, written with NumPy and the standard library, and a dictionary.

    make_seeds.py OUT: a folder OUT/NAME of seeds for the fuzzer NAME, and OUT/NAME.dict
"""
import io
import json
import struct
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/oracle/families"))
import cases as family_cases


def npy(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array), version=version, allow_pickle=False)
    return buffer.getvalue()


def npz(save, **arrays):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def safetensors(tensors, metadata=None, padding=0):
    """tensors: name -> (dtype, shape, bytes)"""
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (dtype, shape, numbers) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(numbers)]}
        data += numbers
    text = json.dumps(header).encode() + b" " * padding
    return struct.pack("<Q", len(text)) + text + data


def safetensors_seeds():
    numbers = np.arange(6, dtype="<f4").tobytes()
    return {
        "one": safetensors({"wte.weight": ("F32", [2, 3], numbers)}),
        "types": safetensors(
            {
                dtype: (dtype, [2], bytes(range(1, 2 * size + 1)))
                for dtype, size in {
                    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1
                }.items()
            },
            {"format": "pt"},
        ),
        "empty": safetensors({}),
        "scalar": safetensors({"x": ("F64", [], b"\0" * 8), "none": ("U8", [0, 3], b"")}, padding=3),
    }  # fmt: skip


def npy_seeds():
    arrays = {code: np.arange(3).astype(code) for code in ("<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "i1", "u1", "?")}
    arrays |= {"matrix": np.ones((2, 3), "f4"), "scalar": np.float32(1), "none": np.zeros((0, 2), "f4")}
    arrays |= {"fortran": np.asfortranarray(np.ones((2, 3), "f4")), "big": np.ones(2, ">f4"), "text": np.array(["ab"])}
    arrays |= {"structure": np.zeros(1, [("a", "f4")]), "complex": np.zeros(1, "c8")}
    seeds = {name.strip("<?") or "bool": npy(array) for name, array in arrays.items()}
    return seeds | {f"version {v}": npy(np.ones(2, "f4"), (v, 0)) for v in (1, 2, 3)}


def npz_seeds():
    arrays = {"a": np.arange(4, dtype="f4"), "b.c": np.ones((2, 2), "i8"), "größe": np.zeros(0, "u1")}
    return {
        "stored": npz(np.savez, **arrays),
        "deflated": npz(np.savez_compressed, zeros=np.zeros(300, "f8"), **arrays),
        "one": npz(np.savez, x=np.float64(1)),
    }


def config_seeds():
    gpt2 = {
        "model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024, "vocab_size": 50257,
        "n_inner": None, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False, "tie_word_embeddings": True, "add_cross_attention": False,
    }  # fmt: skip
    built_in = (ROOT / "models/novella-7m/config.json").read_bytes()
    of_families = {name: json.dumps(config).encode() for name, config, _ in family_cases.all_cases()}
    return {"gpt2": json.dumps(gpt2).encode(), "built-in": built_in, **of_families}


def byte_alphabet():
    """GPT-2's spelling of the 256 bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + i) for i in range(len(others))]


MERGES = [("t", "h"), ("Ġ", "th"), ("Ġth", "e"), ("a", "a"), ("aa", "aa"), ("a", "b"), ("Ã", "¼")]


def vocabulary():
    tokens = byte_alphabet() + [left + right for left, right in MERGES] + ["<|endoftext|>"]
    return {token: i for i, token in enumerate(tokens)}


def vocab_merges_seeds():
    merges = "\n".join(f"{left} {right}" for left, right in MERGES) + "\n"
    vocab = json.dumps(vocabulary(), ensure_ascii=False).encode()
    return {
        "header": vocab + b"\0#version: 0.2\n" + merges.encode(),
        "without header": json.dumps(vocabulary()).encode() + b"\0" + merges.replace("\n", "\r\n").encode(),
    }


SPACE_DECODER = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    """A field of a protocol buffer: a number, a float or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def tokenizer_model_seeds():
    def model(kind, fallback):
        pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
        pieces += [(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256)] if fallback else []
        pieces += [("ab", -1.0, 1), ("▁a", -2.0, 1), ("<x>", 0.0, 4)] + [(c, -10.0 - i, 1) for i, c in enumerate("▁abcdé中")]
        out = b"".join(field(1, field(1, text.encode()) + field(2, score) + field(3, kind)) for text, score, kind in pieces)
        out += field(2, field(3, kind) + field(35, int(fallback)))
        return out + field(3, field(1, b"identity") + field(3, 1) + field(4, int(not fallback)) + field(5, 1))

    return {"unigram": model(1, False), "bpe": model(2, False), "bpe with bytes": model(2, True)}


def tokenizer_json_seeds():
    def tokenizer(merges, added):
        step = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                 "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False,
                 "vocab": vocabulary(), "merges": merges}  # fmt: skip
        top = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
               "pre_tokenizer": step, "post_processor": step, "decoder": step, "model": model}  # fmt: skip
        return json.dumps(top, ensure_ascii=False).encode()

    def token(content, normalized):
        return {"id": vocabulary().get(content, len(vocabulary())), "content": content, "single_word": False,
                "lstrip": False, "rstrip": False, "normalized": normalized, "special": True}  # fmt: skip

    def characters(model, **steps):
        top = {"version": "1.0", "added_tokens": [token("<x>", True) | {"lstrip": True, "rstrip": True, "single_word": True}],
               "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}, SPACE_DECODER,
                           {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}, "model": model}  # fmt: skip
        return json.dumps(top | steps, ensure_ascii=False).encode()

    letters = ["<unk>", *"abcdefgh", "▁", "<x>"]
    bpe = {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
           "vocab": {token: i for i, token in enumerate([*letters, "ab", "▁a"])}, "merges": [["a", "b"], ["▁", "a"]]}  # fmt: skip
    unigram = {"type": "Unigram", "unk_id": 0, "byte_fallback": True, "vocab": [[token, -1.5 * i] for i, token in enumerate(letters)]}
    kinds = ["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"]
    normalizers = [{"type": kind} for kind in kinds] + [
        {"type": "Strip", "strip_left": True, "strip_right": False},
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    ]
    pre_tokenizers = [
        {"type": "Split", "pattern": {"Regex": "(?i:'s)|[^\\r\\n\\p{L}]?\\p{Lu}+|[一-龥]{1,3}|\\s+(?!\\S)"}, "behavior": "MergedWithNext",
         "invert": True},
        {"type": "Digits", "individual_digits": True},
        {"type": "Punctuation", "behavior": "Contiguous"},
        {"type": "Whitespace"},
        {"type": "WhitespaceSplit"},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False},
    ]  # fmt: skip
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {"<s>": {"id": "<s>", "ids": [1]}}}  # fmt: skip
    return {
        "normalizers": characters(bpe, normalizer={"type": "Sequence", "normalizers": normalizers}),
        "pre_tokenizers": characters(bpe, pre_tokenizer={"type": "Sequence", "pretokenizers": pre_tokenizers}),
        "unigram": characters(unigram, pre_tokenizer=pre_tokenizers[-1], post_processor=template),
        "texts": tokenizer([f"{a} {b}" for a, b in MERGES], [token("<|endoftext|>", False)]),
        "pairs": tokenizer([list(pair) for pair in MERGES], [token("<|endoftext|>", True), token("aa<", False)]),
    }


EDITS = [
    "blocks.0.hook_resid_post *= 0.8",
    "blocks.*.attn.hook_z[2:5].head[0,-1] = zero",
    "blocks.1.attn.hook_pattern.head[all].key[0..2] += 1e-3",
    "blocks.-1.mlp.hook_post.dim[3] = mean",
    "hook_embed[0] = corrupt[-1]",
    "transformer.h.[0-2].mlp without direction.npy",
    "hidden_states.3 += -2.5 * vectors.safetensors:joy",
    "blocks.?.hook_attn_out[,1] = corrupt",
    "blocks.0.hook_resid_pre = 0.3 * corrupt + 0.7 * clean[2] - mean(dim)",
    "blocks.1.hook_mlp_out.top[8%] += noise(0.5, seed=3) - 2 * median",
    "blocks.1.mlp.hook_post.dim[0:9].random[50%, 7] = median(dim)",
    "blocks.0.hook_resid_post[0,\"king\"] *= u.npy - 0.5 * v w.npy",
    "unembed.hook_out.dim[\" coffee\\\"\"].bottom[1] = zero",
]
CAPTURES = [
    "blocks.*.attn.hook_pattern[-1]",
    "L1H0.pattern\nblocks.2.hook_mlp_out[0,2:]",
    "resid_post.2[1..3]\nhook_embed",
    "blocks.[0-1].attn.hook_z.head[0,-1]\ntransformer.h.2.mlp",
    "lm_head[:2]",
]
AXES = [
    "layer=all\nblocks.{layer}.hook_resid_post *= 0.8",
    "position=0:3,-1\nhook_embed[{position}] = zero",
    "head=0..1\nblocks.0.attn.hook_z.head[{head}] = mean",
    "factor=0,0.5, 1 ,-3..3\nblocks.1.hook_mlp_out *= {factor}",
    "layer=-1\nblocks.{layer}.hook_mlp_out = {layer}{layer}",
    "w=0,0.25,1e2\nblocks.{w*4}.hook_mlp_out = {1-w} * mean + {-(w+2)/3.5} * clean",
]
JSON = ['{"a": [1, -2.5e3, true, null, "x\\u00e9\\ud83d\\udc27"], "b": {}}', "[" * 64 + "]" * 64, '"text"', "1e308", "[[],{}]"]
TEXTS = ['{"text": "Penguins are cute."}\n\n{"text": "\\u00e9\\n", "id": 3}\r\n', '{"text": ""}']
TENSORS = ["wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias"]
INDEXES = [
    {"metadata": {"total_size": 1}, "weight_map": {"wte.weight": "part-1.safetensors", "x": "part-2.safetensors"}},
    {"weight_map": {name: "part-1.safetensors" for name in TENSORS}},
    {"weight_map": {"a": "../elsewhere", "b": "missing.safetensors"}},
]
PLAIN_TEXTS = [
    "It was the best of times, it was the worst of times;",
    "  spaces\n\nand\ttabs \u3000 1234 isn't we'll 'S <|endoftext|>end",
    "Größe 中文 🐧🏽 e\u0301 ﷽ \u200b",
    "x" * 70 + "ab" * 40,
]
BAD_TEXTS = [b"\xff\xc0\x80", b"\xed\xa0\x80\xf4\x90\x80\x80", "é".encode()[:1], b"ok \xf0\x9f\x90"]

SEEDS = {
    "safetensors": safetensors_seeds,
    "safetensors_fields": safetensors_seeds,
    "npy": npy_seeds,
    "npz": npz_seeds,
    "config": config_seeds,
    "vocab_merges": vocab_merges_seeds,
    "tokenizer_json": tokenizer_json_seeds,
    "tokenizer_model": tokenizer_model_seeds,
    "text": lambda: [text.encode() for text in PLAIN_TEXTS] + BAD_TEXTS,
    "edit": lambda: EDITS,
    "axis": lambda: AXES,
    "capture": lambda: CAPTURES,
    "json": lambda: JSON,
    "texts": lambda: TEXTS,
    "http": lambda: HTTP,
    "request": lambda: [f"{name}\n{json.dumps(body)}" for name, body in REQUESTS],
    "weight_index": lambda: [json.dumps(index) for index in INDEXES],
}

# Of experiments, and as "pass" of a run.
REQUESTS = [
    ("pass", {"texts": ["A wise man", "a"], "bos": True, "edits": ["blocks.1.hook_mlp_out[-1] *= 0"], "capture": ["L1H0.pattern", "*.hook_z"],
              "logits": "last", "stop_at": 2, "effect": False}),
    ("pass", {"ids": [[1, 2, 3], [4]], "hidden_states": False, "capture": ["blocks.*.hook_resid_post[0]"],
              "edits": ["hook_embed[0] = corrupt[1]"], "corrupt": "a wise man"}),
    ("info", {}),
    ("tokens", {"text": "A wise man once said: ", "bos": False}),
    ("predict", {"text": "A wise man", "position": -1, "top": 3, "all": True}),
    ("score", {"texts": ["A wise man", "a"], "context": 2, "stride": 1, "edits": ["blocks.0.hook_mlp_out *= 0"]}),
    ("score", {"choices": [{"ctx": "A wise", "endings": [" man", "cat"], "label": "1"}], "bos": True}),
    ("activations", {"text": "A wise man", "token": 1}),
    ("distributions", {"text": "A wise man", "hooks": ["hook_q[0].head[1]"], "bins": 5, "limits": [-1, 1]}),
    ("similarity", {"text": "A wise man", "across": "layers"}),
    ("sweep", {"text": "A wise man", "edits": ["blocks.{layer}.hook_resid_post[{position}] *= {factor}"],
               "axes": ["layer=all", "position=0..2", "factor=0,0.5"], "targets": [" a"], "metric": "prob", "whole": False}),
    ("patch", {"text": "A wise man", "corrupt": "A wise cat", "targets": [" a"]}),
    ("ablate", {"text": "A wise man", "parts": ["heads", "mlps"], "targets": [" a"], "mean": True}),
    ("edges", {"text": "A wise", "targets": [" a"]}),
    ("steer", {"text": "A wise", "positive": ["I love"], "negative": ["I hate"], "layers": [1], "max_new": 2}),
    ("compare", {"group_a": ["A wise", "I love"], "group_b": ["I hate", "A foul"], "at": "attn.hook_z", "norms": True,
                 "position": "mean", "shuffles": 1, "folds": 2, "correlation": "pearson"}),
    ("generate", {"text": "A wise", "max_new": 3, "temperature": 0.7, "top_k": 5, "top_p": 0.9, "seed": 3, "stops": ["."],
                  "edits": ["blocks.1.hook_mlp_out += mean"], "edit_scope": "all"}),
    ("lens", {"text": "A wise man", "positions": "0..1", "target": " a"}),
    ("attention", {"text": "A wise man", "heads": ["L1H0"]}),
    ("attribution", {"text": "A wise man", "targets": [" a"]}),
    ("geometry", {"text": "A wise man"}),
    ("embeddings", {"words": ["a", 5, " man"], "analogies": ["a - \"b\" + c"], "top": 2}),
    ("weights", {"names": ["*.bias", "wte.weight"], "list": True}),
    ("verify", {"text": "A wise"}),
]

HOST, TOKEN = "Host: localhost\r\n", "Authorization: Bearer t\r\n"
JSON_BODY = HOST + TOKEN + "Content-Type: application/json\r\n"
HTTP = [
    f"GET / HTTP/1.1\r\n{HOST}\r\n" * 2,
    f"GET /api/x?a=b%20c&format=npz HTTP/1.1\r\n{HOST}{TOKEN}\r\nHEAD /api/x HTTP/1.1\r\n{HOST}{TOKEN}\r\n",
    f"POST /api/x HTTP/1.1\r\n{JSON_BODY}Content-Length: 2\r\n\r\n{{}}DELETE /api/x/17 HTTP/1.1\r\n{HOST}{TOKEN}\r\n",
    f"POST /api/s HTTP/1.1\r\n{JSON_BODY}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nabcde\r\n0\r\nX: y\r\n\r\n",
    f"POST /api/s HTTP/1.0\r\n{JSON_BODY}Connection: keep-alive\r\nContent-Length: 9\r\n\r\nabcdefghi",
    f"PATCH /api/x HTTP/1.1\r\n{JSON_BODY}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    f"POST /?a?b HTTP/1.1\r\n{HOST}Origin: http://evil.example\r\nContent-Length: 40\r\n\r\nDELETE /api/x/1 HTTP/1.1\r\n{HOST}{TOKEN}\r\n",
    f"POST /api/x HTTP/1.1\r\n{JSON_BODY}Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    f"GET /api/x HTTP/1.1\r\n{HOST}{TOKEN}Range: bytes=0-0,1-\r\nCookie: a=b\r\n x: folded\r\n\r\n",
]

# Words that a search by single bytes would need long for; keys of JSON files are taken from the seeds.
WORDS = {
    "edit": "blocks. hook_ .head[ .key[ .dim[ *= += without zero mean corrupt corrupt[ .npy .safetensors: all .. "
            "median clean clean[ mean(dim) median(dim) noise( .top[ .bottom[ .random[ seed= % \" + - "
            "transformer.h. .attn .mlp hidden_states. lm_head .ln_1 1e39 -0 nan inf 0x1".split(),
    "capture": "blocks. hook_ .head[ .key[ .dim[ [-1] all .. L0H1 L2H0.q .pattern resid_pre. mlp_post. transformer.h. .attn".split(),
    "axis": "layer= position= head= value= all .. : {layer} {position} {head} blocks. hook_ *= 9223372036854775807".split(),
    "text": ["<|endoftext|>", "'s", "'ll", "\u00a0", "\u3000", "🐧"],
    "npy": "'descr' 'fortran_order' 'shape' True False (), <f4 >f8 |O |b1 |u1 <i8 <U2 <c8 [(".split(),
    "safetensors": "dtype shape data_offsets __metadata__ F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL".split(),
    "tokenizer_json": "ByteLevel BPE Unigram Sequence Split Digits Metaspace Punctuation Whitespace NFC NFKD Strip Fuse Regex String Isolated "
                      "Removed Contiguous always never \\\\p{L} \\\\s (?i: (?! {1,3} Ġ ▁ true false null".split(),
    "tokenizer_model": ["<0x41>", "<unk>", "identity", "nmt_nfkc", "▁"],
    "vocab_merges": ["#version", "Ġ", "<|endoftext|>"],
    "http": [HOST, TOKEN, "\r\n\r\n", " HTTP/1.1\r\n", "HTTP/1.0", "GET ", "HEAD ", "POST ", "PATCH ", "DELETE ", "OPTIONS ", "/api/x", "/api/s",
             "Content-Length: ", "Transfer-Encoding: ", "chunked", "0\r\n\r\n", "Origin: ", "Sec-Fetch-Site: ", "Connection: ", "close",
             "keep-alive", "Upgrade: ", "Expect: 100-continue", "Content-Type: application/json", "%2e", "%00", "?"],
    "request": sorted({name + "\n" for name, _ in REQUESTS} | {f'"{key}": ' for _, body in REQUESTS for key in body}) +
               ["blocks.*.hook_mlp_out", "= corrupt", "{layer}", "layer=all", "1e39", "-1", "null", "true", "[[1]]"],
    "json": ["\\ud83d", "\\u0000", "1e400", "-0", "true", "null"],
}  # fmt: skip


def keys_of(value):
    if isinstance(value, dict):
        yield from value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from keys_of(child)


def keys_in(seed):
    try:
        return {key for key in keys_of(json.loads(seed)) if len(key) > 1}
    except ValueError:
        return set()


def quoted(word):
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"'


def main(out):
    for name, make in SEEDS.items():
        seeds = make()
        named = seeds if isinstance(seeds, dict) else {str(i): seed for i, seed in enumerate(seeds)}
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        words = set(WORDS.get(name, []))
        for seed_name, seed in named.items():
            seed = seed if isinstance(seed, bytes) else seed.encode()
            (folder / seed_name).write_bytes(seed)
            words |= keys_in(seed)
        (out / f"{name}.dict").write_text("".join(quoted(word) + "\n" for word in sorted(words)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
