"""A Llama's shape compared with llama.cpp: prompts, generation, sweeps on the causal cone, loading and memory."""
import setup
from peer import Peers, interleave

VOCABULARY, GENERATED = 32000, 32
SENTENCE = 22
GRIDS = {
    "16 blocks, 22 tokens (demonstration 3)": ("blocks.{layer}.hook_resid_post *= 0.8", ["layer=all"], 5),
    "16 blocks x 22 positions (patching)": ("blocks.{layer}.hook_resid_pre[{position}] = corrupt", ["layer=all", "position=all"], 1),
}
# Each is compared with llama.cpp's in the same number format.
PAIRS = (("stratoscope", "llama F32"), ("bf16", "llama BF16"))


def ids_of(length):
    return [i * 7919 % VOCABULARY for i in range(length)]


def load(peers, gguf):
    for kind, peer in peers.peers.items():
        peer.ask("load", model=str(setup.LLAMA), gguf=str(gguf.get(kind)))


def run(settings):
    gguf = setup.llama_shape()
    kinds = [kind for pair in PAIRS for kind in pair if kind not in setup.GGUF or kind in gguf]
    result = {"about": {}, "stored": (setup.LLAMA / "model.safetensors").stat().st_size, "memory": {}, "load": {}}
    with Peers(kinds, settings.threads) as peers:
        load(peers, gguf)
        result["about"] = peers.about()
        said = {kind: peer.ask("prompt", ids=ids_of(SENTENCE), count=1)["ids"] for kind, peer in peers.peers.items()}
        if said.get("llama F32", said["stratoscope"]) != said["stratoscope"]:
            raise RuntimeError(f"the tokens differ: {said}")
        result["prompts"] = {length: peers.interleaved(settings.rounds(5), "prompt", ids=ids_of(length)) for length in (128, 1000)}
        result["generation"] = peers.interleaved(settings.rounds(5), "prompt", ids=ids_of(128), count=GENERATED)
        result["grids"] = {name: grid(peers.peers["stratoscope"], settings, *of) for name, of in GRIDS.items()}
    for kind in ("stratoscope", "bf16"):
        with Peers([kind], settings.threads) as peers:
            seconds = [peers.all("load", model=str(setup.LLAMA))[kind]["seconds"] for _ in range(settings.rounds(3) + 1)]
            result["load"][kind] = seconds[1:]
        with Peers([kind], settings.threads) as peers:
            peers.all("load", model=str(setup.LLAMA))
            loaded = peers.peers[kind].memory()
            peers.all("prompt", ids=ids_of(128))
            resident = peers.peers[kind].memory()["resident"]
            weights = peers.all("limits")[kind]["weights"]
            result["memory"][kind] = {"weights": weights, "peak": loaded["peak"], "resident": resident}
    return result


def grid(ours, settings, edit, axes, rounds):
    """The cone compared with whole runs of the text alone."""
    request = {"ids": ids_of(SENTENCE), "edits": [edit], "axes": axes, "target": 262, "prompts": 1}
    plan = ours.ask("grid", plan=True, check=False, **request)
    works = {
        "cone": lambda: ours.ask("grid", **request)["seconds"],
        "whole": lambda: ours.ask("forward", ids=ids_of(SENTENCE))["seconds"],
    }
    return {"cells": plan["cells"], "seconds": interleave(settings.rounds(rounds), works)}
