"""A peer of the benchmarks: a program that reads one JSON request per line and writes one JSON line for each.

{"do": "hello", "threads"}           -> {"name", "version", "kernels"}
{"do": "load", "model", "onnx", "gguf"} -> {"seconds"}       the folder, or the ONNX or GGUF file of the same model
{"do": "forward", "ids"}             -> {"seconds"}          all hidden states and all logits, kept until the next run
{"do": "prompt", "ids", "count"}     -> {"seconds", "ids"}   the next `count` (1) most likely tokens
{"do": "save", "file"}               -> {}                   the last run as FILE.hidden_states, FILE.logits: float32
{"do": "sweep", "ids", "target", "factor"} -> {"seconds", "values"}   each block's output scaled: the target's log-prob
    of Python's peer with the "text" in place of its ids; {"do": "tokens", "text"} -> {"ids"} gives them
{"do": "limits"}                     -> {"multiply_add", "stream", "weights", "bfloat16"}   operations and bytes a second
{"do": "load_tokenizer", "folder", "texts"} -> {"seconds"}   and the JSON list of texts
{"do": "tokenize", "file"}           -> {"seconds", "tokens"}   all texts; the ids as int32 where a file is named
"""
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build"
# Debian's OpenBLAS, even if the system prefers another BLAS.
OPENBLAS = next(Path("/usr/lib").glob("*/openblas-pthread"), None)
GGUF_WIDTHS = ("F32", "BF16", "Q8_0")
COMMANDS = {
    "stratoscope": [BUILD / "bench" / "bench_peer"],
    "bf16": [BUILD / "bench" / "bench_peer", "bf16"],
    "python": [sys.executable, "-B", HERE / "peers" / "from_python.py"],
    "pytorch": [sys.executable, "-B", HERE / "peers" / "pytorch.py"],
    "onnxruntime": ["node", HERE / "peers" / "onnxruntime.mjs"],
    **{f"llama {width}": ["node", HERE / "llama" / "llama.mjs"] for width in GGUF_WIDTHS},
    "tokenizers": ["node", HERE / "peers" / "tokenizers.mjs"],
}


def environment(threads):
    """The same for every peer: the given number of threads; tokenizers use one. Our Python package is the source tree's."""
    count = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    paths = {"LD_LIBRARY_PATH": str(OPENBLAS)} if OPENBLAS else {}
    package = {"PYTHONPATH": str(HERE.parent / "python"), "STRATOSCOPE_LIBRARY": str(BUILD / "libstratoscope.so")}
    return {**os.environ, **count, **paths, **package, "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


class Peer:
    def __init__(self, kind, threads):
        self.process = subprocess.Popen(
            COMMANDS[kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(threads)
        )
        self.about = self.ask("hello", threads=threads)

    def ask(self, do, **request):
        self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args} ended at {do!r}: {self.process.wait()}")
        return json.loads(answer)

    def memory(self):
        """Resident bytes: current and peak."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        now, most = (1024 * int(re.search(rf"{key}:\s+(\d+)", status)[1]) for key in ("VmRSS", "VmHWM"))
        return {"resident": now, "peak": most}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peers:
    """Several peers that run in turn; a context manager."""

    def __init__(self, kinds, threads):
        self.peers = {kind: Peer(kind, threads) for kind in kinds}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in self.peers.values():
            peer.close()

    def all(self, do, **request):
        return {kind: peer.ask(do, **request) for kind, peer in self.peers.items()}

    def about(self):
        return {kind: peer.about for kind, peer in self.peers.items()}

    def interleaved(self, rounds, do, **request):
        """The seconds of each round, by peer; one unmeasured round goes first."""
        return interleave(rounds, {kind: lambda p=peer: p.ask(do, **request)["seconds"] for kind, peer in self.peers.items()})


def interleave(rounds, works, warm_up=True):
    """Calls the works in turn, each round beginning with another one. {name: [its result in each round]}"""
    names, gave = list(works), {name: [] for name in works}
    for turn in range(-1 if warm_up else 0, rounds):
        for i in range(len(names)):
            name = names[(turn + i) % len(names)]
            time.sleep(0.1)  # until the threads of the one before have stopped waiting busily for more
            result = works[name]()
            if turn >= 0:
                gave[name].append(result)
    return gave
