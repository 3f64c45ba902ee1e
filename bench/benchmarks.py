"""The benchmarks: each runs all peers in turn and checks that they compute the same numbers.

A benchmark takes Settings and returns {"about": {peer: versions}, …}: every measured value, which report.py sums up.
"""
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Optional

import numpy as np

import families
import pull as pulls
import setup
from peer import BUILD, COMMANDS, Peers, environment, interleave

sys.path.insert(0, str(setup.HERE.parent / "tests" / "oracle" / "gpt2"))

PROGRAM = BUILD / "stratoscope"
LENGTHS = (22, 128, 1024)
LAYERS, WIDTH, VOCABULARY, PARAMETERS = 12, 768, 50257, 124439808
SWEEP = {"target": 262, "factor": 0.8}
# The length of the sentence of the third demonstration.
SENTENCE = "as gregor samsa awoke one morning from uneasy dreams"


@dataclass
class Settings:
    threads: int
    quick: bool = False
    text: Optional[str] = None

    def rounds(self, count):
        return 2 if self.quick else count


def engines(*kinds):
    """The peers of these kinds that can run on this machine."""
    setup.checkpoint()
    if "onnxruntime" in kinds and setup.from_npm():
        setup.onnx()
    else:
        kinds = [kind for kind in kinds if kind != "onnxruntime"]
    if any(kind in setup.GGUF for kind in kinds) and not setup.llama():
        kinds = [kind for kind in kinds if kind not in setup.GGUF]
    return list(kinds)


def ids_of(length):
    """Different tokens, the same in every call."""
    return [i * 7919 % VOCABULARY for i in range(length)]


def load(peers):
    for kind, peer in peers.peers.items():
        peer.ask("load", model=str(setup.MODEL), onnx=str(setup.ONNX), gguf=str(setup.GGUF.get(kind)))


def saved(name, length):
    file = setup.DATA / name
    shapes = {"hidden_states": (LAYERS + 1, length, WIDTH), "logits": (length, VOCABULARY)}
    arrays = [np.fromfile(f"{file}.{value}", np.float32 if name != "exact" else np.float64) for value in shapes]
    for value in shapes:
        os.remove(f"{file}.{value}")
    return [array.reshape(shape) for array, shape in zip(arrays, shapes.values())]


def worst_row(values, exact):
    """The largest error of a row relative to its largest magnitude."""
    return float((np.abs(values - exact).max(-1) / np.abs(exact).max(-1)).max())


def errors(peers, threads, length):
    """{peer: [error of the hidden states, of the logits]} of each peer's last run, against PyTorch in float64."""
    with Peers(["pytorch"], threads) as exact:
        load(exact)
        exact.all("to_float64")
        exact.all("forward", ids=ids_of(length))
        exact.all("save", file=str(setup.DATA / "exact"))
    expected = saved("exact", length)
    found = {}
    for kind, peer in peers.peers.items():
        peer.ask("save", file=str(setup.DATA / kind))
        found[kind] = [worst_row(values, exact) for values, exact in zip(saved(kind, length), expected)]
    return found


def forward(settings):
    result = {"lengths": []}
    with Peers(engines("stratoscope", "onnxruntime", "pytorch"), settings.threads) as peers:
        result["about"] = peers.about()
        load(peers)
        for length, rounds in zip(LENGTHS, (15, 11, 5)):
            ids = ids_of(length)
            seconds = peers.interleaved(settings.rounds(rounds), "forward", ids=ids)
            operations = peers.peers["stratoscope"].ask("forward", ids=ids)["operations"]
            found = errors(peers, settings.threads, length)
            result["lengths"].append(
                {"tokens": length, "operations": operations, "seconds": seconds, "errors": found}
            )
        result["limits"] = peers.peers["stratoscope"].ask("limits")
    return result


def products(settings):
    """Matrix products and attention alone, each the best within a fixed time, as the programs of bench/ print them."""
    result = {"shapes": [], "attention": []}
    while_s = "0.1" if settings.quick else "1"
    lines = run_lines("bench_products", str(settings.threads), while_s)
    found = re.match(r"limit of float32 (\d+) GFLOP/s, of bfloat16 (\d+)", lines[0])
    result["limit"], result["bfloat16_limit"] = (float(number) for number in found.groups())
    for line in lines[1:]:
        numbers = re.findall(r"[\d.]+", line.replace("fp32", "").replace("bf16", ""))
        inner, out, rows = (int(n) for n in numbers[:3])
        result["shapes"].append({"in": inner, "out": out, "rows": rows, "fp32": float(numbers[3]), "bf16": float(numbers[4])})
    for line in run_lines("bench_attention", str(settings.threads), while_s)[1:]:
        tokens, milliseconds, rate, _ = re.findall(r"[\d.]+", line)
        result["attention"].append({"tokens": int(tokens), "seconds": 1e-3 * float(milliseconds), "gflops": float(rate)})
    return result


def run_lines(program, *arguments):
    command = [BUILD / "bench" / program, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()


def precision(settings):
    """Forward passes by the precision of products, and the memory of each."""
    result = {"lengths": [], "bytes": {}}
    modes = ("stratoscope", "bf16")
    with Peers(engines(*modes, "onnxruntime"), settings.threads) as peers:
        load(peers)
        for length, rounds in zip(LENGTHS, (15, 11, 5)):
            seconds = peers.interleaved(settings.rounds(rounds), "forward", ids=ids_of(length))
            result["lengths"].append({"tokens": length, "seconds": seconds})
        result["about"] = peers.about()
    for kind in modes:
        with Peers([kind], settings.threads) as peers:
            load(peers)
            peers.all("forward", ids=ids_of(128))
            result["bytes"][kind] = peers.peers[kind].memory()["resident"]
    return result


def prompts(settings):
    """From a prompt to the next token, the main use of llama.cpp."""
    result = {"lengths": []}
    with Peers(engines("stratoscope", "bf16", *setup.GGUF), settings.threads) as peers:
        result["about"] = peers.about()
        load(peers)
        for length, rounds in zip(LENGTHS[:2] + (1000,), (15, 11, 5)):
            same_tokens(peers, length, 1)
            seconds = peers.interleaved(settings.rounds(rounds), "prompt", ids=ids_of(length))
            result["lengths"].append({"tokens": length, "seconds": seconds})
    return result


def generation(settings):
    """Tokens one by one, each by the model's cached keys and values."""
    length, count = 128, 128
    with Peers(engines("stratoscope", "bf16", *setup.GGUF), settings.threads) as peers:
        load(peers)
        same_tokens(peers, length, count)
        prompt = peers.interleaved(settings.rounds(5), "prompt", ids=ids_of(length))
        seconds = peers.interleaved(settings.rounds(5), "prompt", ids=ids_of(length), count=count)
        limits = {kind: peers.peers[kind].ask("limits") for kind in ("stratoscope", "bf16")}
        return {"about": peers.about(), "tokens": length, "new": count, "seconds": seconds, "prompt": prompt, "limits": limits}


def same_tokens(peers, length, count):
    """In float32 all tokens must be equal; with fewer bits they may differ."""
    said = {kind: peer.ask("prompt", ids=ids_of(length), count=count)["ids"] for kind, peer in peers.peers.items()}
    if said.get("llama F32", said["stratoscope"]) != said["stratoscope"]:
        raise RuntimeError(f"the tokens differ: {said}")


def captures(settings):
    """The same pass with an increasing number of captures."""
    result = {"lengths": []}
    with Peers(engines("stratoscope"), settings.threads) as peers:
        result["about"] = peers.about()
        load(peers)
        ours = peers.peers["stratoscope"]
        for length, rounds in zip(LENGTHS, (41, 31, 11)):
            kept = ("nothing", "hidden states") + (("everything",) if length < 1000 else ())
            works = {keep: lambda k=keep, ids=ids_of(length): ours.ask("forward", ids=ids, keep=k)["seconds"] for keep in kept}
            result["lengths"].append({"tokens": length, "seconds": interleave(settings.rounds(rounds), works)})
    return result


def forward_growth(settings):
    """Forward passes by tokens, and by blocks at 128 tokens."""
    result = {"points": {"tokens": [], "blocks": []}}

    def measure(axis, value, length, ours):
        answers = [ours.ask("forward", ids=ids_of(length)) for _ in range(settings.rounds(7) + 1)][1:]
        seconds = [answer["seconds"] for answer in answers]
        result["points"][axis].append({"value": value, "operations": answers[0]["operations"], "seconds": seconds})

    for blocks in (6, 12, 24, 48) if not settings.quick else (6, 12):
        with Peers(engines("stratoscope"), settings.threads) as peers:
            result["about"] = peers.about()
            peers.all("load", model=str(setup.checkpoint(blocks)))
            measure("blocks", blocks, 128, peers.peers["stratoscope"])
            if blocks != LAYERS:
                continue
            for length in (16, 32, 64, 128, 256, 512, 1024):
                measure("tokens", length, length, peers.peers["stratoscope"])
    return result


def sweep(settings):
    length = LENGTHS[0]
    with Peers(engines("stratoscope", "pytorch"), settings.threads) as peers:
        load(peers)
        request = {"ids": ids_of(length), **SWEEP}
        ours, theirs = (answer["values"] for answer in peers.all("sweep", **request).values())
        return {
            "about": peers.about(),
            "tokens": length,
            "seconds": peers.interleaved(settings.rounds(5), "sweep", **request),
            "errors": {"pytorch": float(np.abs(np.subtract(ours, theirs)).max())},
        }


def python(settings):
    """The demonstrations from Python beside C++ and others, and what a Python function costs as an edit."""
    result = {"lengths": [], "edits": []}
    kinds = engines("stratoscope", "python", "onnxruntime", "pytorch")
    with Peers(kinds, settings.threads) as peers:
        result["about"] = peers.about()
        load(peers)
        for length, rounds in zip(LENGTHS, (15, 11, 5)):
            ids = ids_of(length)
            seconds = peers.interleaved(settings.rounds(rounds), "forward", ids=ids)
            found = errors(peers, settings.threads, length)
            if found["python"] != found["stratoscope"]:
                raise RuntimeError(f"Python has other numbers: {found}")
            ours = peers.peers["python"]
            works = {edit: lambda e=edit, ids=ids: ours.ask("forward", ids=ids, edit=e)["seconds"] for edit in ("text", "function")}
            result["lengths"].append({"tokens": length, "seconds": seconds})
            result["edits"].append({"tokens": length, "seconds": interleave(settings.rounds(rounds), works)})
        text = {"text": SENTENCE}
        ids = peers.peers["python"].ask("tokens", **text)["ids"]
        swept = {kind: dict(ids=ids, **SWEEP) for kind in ("stratoscope", "pytorch")} | {"python": text | SWEEP}
        values = {kind: peers.peers[kind].ask("sweep", **request)["values"] for kind, request in swept.items()}
        if values["python"] != values["stratoscope"]:
            raise RuntimeError(f"the sweep from Python has other numbers: {values}")
        works = {kind: lambda k=kind: peers.peers[k].ask("sweep", **swept[k])["seconds"] for kind in swept}
        result["sweep"] = {"tokens": len(ids), "seconds": interleave(settings.rounds(15), works)}
    result["bytes"] = {}
    for kind in ("stratoscope", "python"):
        with Peers([kind], settings.threads) as peers:
            load(peers)
            peers.all("forward", ids=ids_of(1))  # Python reads the weights at the first run
            before = peers.peers[kind].memory()["resident"]
            peers.all("forward", ids=ids_of(LENGTHS[-1]))
            result["bytes"][kind] = peers.peers[kind].memory()["peak"] - before
    return result


GRIDS = {
    "12 blocks, 22 tokens (demonstration 3)": (22, "blocks.{layer}.hook_resid_post *= 0.8", ["layer=all"], 1, 15),
    "12 blocks x 22 positions (patching)": (
        22, "blocks.{layer}.hook_resid_pre[{position}] = corrupt", ["layer=all", "position=all"], 1, 7),
    "12 blocks x 12 heads, 64 tokens (ablation)": (
        64, "blocks.{layer}.attn.hook_z.head[{head}] = zero", ["layer=all", "head=all"], 1, 5),
    "1,000 prompts x 12 blocks, 22 tokens": (22, "blocks.{layer}.hook_resid_post *= 0.8", ["layer=all"], 1000, 3),
}


def grids(settings):
    """Sweeps on the causal cone, and one whole run per grid point: ours, with all logits, and ONNX Runtime's."""
    result = {"grids": {}}
    with Peers(engines("stratoscope", "onnxruntime"), settings.threads) as peers:
        result["about"] = peers.about()
        load(peers)
        ours = peers.peers["stratoscope"]
        for name, (length, edit, axes, prompts, rounds) in GRIDS.items():
            prompts = min(prompts, 30) if settings.quick else prompts
            ids = ids_of(length)
            request = {"ids": ids, "edits": [edit], "axes": axes, "target": SWEEP["target"], "prompts": prompts}
            plan = ours.ask("grid", plan=True, check=not settings.quick and prompts == 1, **request)
            works = {"cone": lambda: ours.ask("grid", **request)["seconds"]}
            works |= {kind: lambda p=peer: p.ask("forward", ids=ids)["seconds"] for kind, peer in peers.peers.items()}
            seconds = interleave(settings.rounds(rounds), works)
            counts = {key: plan[key] for key in ("cells", "operations", "required", "full")}
            result["grids"][name] = {"seconds": seconds, **counts}
    return result


def growth(settings):
    """Seconds of sweeps by the number of grid points, tokens and blocks."""
    result = {"points": {"cells": [], "tokens": [], "blocks": []}}

    def measure(axis, value, length, edit, axes, peers, rounds=3):
        request = {"ids": ids_of(length), "edits": [edit], "axes": axes, "target": SWEEP["target"]}
        plan = peers.ask("grid", plan=True, **request)
        seconds = [peers.ask("grid", **request)["seconds"] for _ in range(settings.rounds(rounds))]
        result["points"][axis].append({"value": value, "cells": plan["cells"], "operations": plan["operations"], "seconds": seconds})

    with Peers(engines("stratoscope"), settings.threads) as peers:
        result["about"] = peers.about()
        load(peers)
        ours = peers.peers["stratoscope"]
        edit = "blocks.{layer}.hook_resid_pre[{position}] *= {x}"
        for repeat in (1, 4, 38) if not settings.quick else (1,):
            measure("cells", 264 * repeat, 22, edit, ["layer=all", "position=all", f"x=1..{repeat}"], ours, 1 if repeat > 4 else 3)
        for few in (1, 12, 66):
            layers, places = {1: ("6", "11"), 12: ("all", "11"), 66: ("all", "0,4,8,12,16,20")}[few]
            measure("cells", {1: 1, 12: 12, 66: 72}[few], 22, edit,
                    [f"layer={layers}", f"position={places}", "x=1"], ours)
        for length in (16, 64, 256, 1024)[: 2 if settings.quick else 4]:
            measure("tokens", length, length, "blocks.{layer}.hook_resid_post[-1] *= 0.8", ["layer=all"], ours)
        for blocks in (1, 3, 6, 12):
            measure("blocks", blocks, 22, "blocks.{layer}.hook_resid_pre *= 0.8", [f"layer={12 - blocks}..11"], ours)
    for points in result["points"].values():
        points.sort(key=lambda point: point["value"])
    return result


def timed(command, threads):
    start = time.perf_counter()
    done = subprocess.run(command, env=environment(threads), stdout=subprocess.PIPE, check=True)
    return time.perf_counter() - start, done.stdout


def cold_start(settings):
    """From the start of the process to the printed prediction, all files in the page cache."""
    kinds = engines("stratoscope", "onnxruntime", "pytorch")
    tokens = timed([PROGRAM, "tokens", SENTENCE, "--model", setup.MODEL, "--json"], settings.threads)[1]
    ids = json.dumps(json.loads(tokens)["ids"])
    commands = {
        "stratoscope": [PROGRAM, "predict", SENTENCE, "--model", setup.MODEL, "--top", "1", "--json"],
        "onnxruntime": [*COMMANDS["onnxruntime"], "predict", setup.ONNX, ids],
        "pytorch": [*COMMANDS["pytorch"], "predict", setup.MODEL, ids],
    }
    works = {kind: lambda c=commands[kind]: timed(c, settings.threads) for kind in kinds}
    runs = interleave(settings.rounds(9), works)
    said = {kind: json.loads(run[-1][1]) for kind, run in runs.items()}
    said["stratoscope"] = said["stratoscope"]["predictions"][0]["id"]
    if len(set(said.values())) > 1:
        raise RuntimeError(f"the predictions differ: {said}")
    return {"tokens": len(json.loads(ids)), "seconds": {kind: [s for s, _ in run] for kind, run in runs.items()}}


def memory(settings):
    """Of a process that holds the model and a run of 128 tokens."""
    result = {"tokens": 128, "weights": 4 * PARAMETERS, "bytes": {}, "about": {}}
    for kind in engines("stratoscope", "onnxruntime", "pytorch"):
        with Peers([kind], settings.threads) as peers:
            load(peers)
            for _ in range(3):
                peers.all("forward", ids=ids_of(128))
            result["bytes"][kind] = peers.peers[kind].memory()
            result["about"] |= peers.about()
    return result


def load_time(settings):
    with Peers(engines("stratoscope", "onnxruntime", "pytorch"), settings.threads) as peers:
        request = {"model": str(setup.MODEL), "onnx": str(setup.ONNX)}
        return {"about": peers.about(), "seconds": peers.interleaved(settings.rounds(9), "load", **request)}


def tokenizer(settings):
    if not setup.from_npm():
        return None
    setup.tokenizer()
    setup.texts(settings.text)
    size = sum(len(text.encode()) for text in json.loads(setup.TEXTS.read_text(encoding="utf-8")))
    vocabularies = {}
    with Peers(["stratoscope", "tokenizers"], 1) as peers:
        for name, folder in setup.vocabularies().items():
            loads = peers.interleaved(settings.rounds(3), "load_tokenizer", folder=str(folder), texts=str(setup.TEXTS))
            ids = []
            for kind, peer in peers.peers.items():
                tokens = peer.ask("tokenize", file=str(setup.DATA / kind))["tokens"]
                ids.append(np.fromfile(setup.DATA / kind, np.int32))
            if not np.array_equal(*ids):
                raise RuntimeError(f"the two tokenizers give different ids with the vocabulary {name}")
            seconds = peers.interleaved(settings.rounds(9), "tokenize")
            vocabularies[name] = {"tokens": tokens, "seconds": seconds, "loads": loads}
        return {"about": peers.about(), "bytes": size, "vocabularies": vocabularies, "text": settings.text}


def pull(settings):
    """A model from a hub on this machine into the cache, and the memory for small and large models."""
    small, large = ((64 << 20, 256 << 20) if settings.quick else (256 << 20, 1 << 30))
    peaks = {small: [], large: []}
    with pulls.hub(small) as (address, _, etag):
        pulls.pull(PROGRAM, address, etag, peaks[small])
    about = pulls.versions()
    with pulls.hub(large) as (address, commit, etag):
        works = {"stratoscope": lambda: pulls.pull(PROGRAM, address, etag, peaks[large])}
        works |= {name: lambda n=name: pulls.piped(n, address, commit, etag) for name in about}
        works["disk"] = lambda: pulls.disk_alone(large)
        seconds = interleave(settings.rounds(7), works)
    hashes = {name: pulls.hash_alone(name, large) for name in about}
    memory = {size: max(most) for size, most in peaks.items()}
    return {"about": about, "bytes": large, "seconds": seconds, "hash_alone": hashes, "peak": memory}


def explorer(settings):
    """The page in Chromium, from input events to painted frames, and a mixed load on the server."""
    env = environment(settings.threads) | {"STRATOSCOPE": str(PROGRAM)}
    setup.checkpoint()

    def told(*command):
        done = subprocess.run([*map(str, command), "--json"], env=env, stdout=subprocess.PIPE)
        if done.returncode != 0:
            setup.say(f"{command[1]} found faults")
        return json.loads(done.stdout)

    def latency(moves, *arguments):
        script = setup.HERE / "explorer" / "latency.mjs"
        return told("node", script, "--moves", 8 if settings.quick else moves, *arguments)

    return {
        "pages": {
            "built-in model": [latency(40)],
            "GPT-2 small's shape": [
                latency(40, "--model", setup.MODEL, "--tokens", 64),
                latency(15, "--model", setup.MODEL, "--tokens", 1000),
            ],
        },
        "load": told(sys.executable, setup.HERE / "explorer" / "load.py", 8 if settings.quick else 60),
    }


ALL = {
    "products": products,
    "forward": forward,
    "precision": precision,
    "prompts": prompts,
    "generation": generation,
    "captures": captures,
    "forward-growth": forward_growth,
    "sweep": sweep,
    "python": python,
    "grids": grids,
    "growth": growth,
    "families": families.run,
    "cold-start": cold_start,
    "memory": memory,
    "load": load_time,
    "tokenizer": tokenizer,
    "pull": pull,
    "explorer": explorer,
}
