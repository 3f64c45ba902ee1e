"""Pulls from a hub on loopback, compared with curl and a hash program: each on one core, the hub on the others.

What is pulled is random and lies in the hub's memory; it goes to the folder for temporary files, which TMPDIR names
(/dev/shm leaves the disk out). The hashes alone are timed too: they bound what can be.
"""
import contextlib
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "hub"))
import fixture_hub

CONFIG = {"model_type": "gpt2", "n_layer": 2, "n_head": 3, "n_embd": 48, "n_positions": 64, "vocab_size": 311}
NAME, WEIGHTS = "bench/model", "model.safetensors"
HASHES = {"sha256sum": ["sha256sum"], "openssl": ["openssl", "dgst", "-sha256", "-r"]}
CORE = min(os.sched_getaffinity(0))


def serve(size, pipe):
    others = os.sched_getaffinity(0) - {CORE}
    os.sched_setaffinity(0, others or {CORE})
    fixture_hub.CHUNK = 1 << 20
    weights = os.urandom(1 << 20) * (size >> 20)
    etag = fixture_hub.sha256(weights)
    fixture_hub.File.etag = property(lambda file: etag if file.large else fixture_hub.git_sha1(file.data))
    files = {"config.json": json.dumps(CONFIG).encode(), "tokenizer.json": b"{}", WEIGHTS: weights}
    with fixture_hub.Hub() as hub:
        commit = hub.add(NAME, files)
        pipe.send((hub.address, commit, etag))
        pipe.recv()


@contextlib.contextmanager
def hub(size):
    """Address, commit and hash of a model with so many bytes of weights, in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(size, theirs), daemon=True)
    server.start()
    try:
        yield ours.recv()
    finally:
        ours.send("enough")
        server.join()


def peak_memory(process):
    """Follows a process to its end: peak resident bytes."""
    status, most = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        with contextlib.suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
            most = max(most, 1024 * int(found[1]) if found else 0)
        time.sleep(0.02)
    return most


def on_one_core(command, env, follow=None, **options):
    """Seconds, and its output."""
    start = time.perf_counter()
    process = subprocess.Popen(["taskset", "-c", str(CORE), *command], env=env, stdout=subprocess.PIPE, **options)
    watcher = follow and threading.Thread(target=lambda: follow(process))
    if watcher:
        watcher.start()
    printed = process.communicate()[0].decode()
    seconds = time.perf_counter() - start
    if watcher:
        watcher.join()
    if process.returncode != 0:
        raise RuntimeError(f"{command} ended with status {process.returncode}")
    return seconds, printed


def pull(program, address, etag, peaks):
    """The seconds of a pull into an empty cache."""
    with tempfile.TemporaryDirectory(prefix="stratoscope-bench-") as cache:
        env = {"PATH": os.environ["PATH"], "HOME": cache, "HF_HUB_CACHE": cache, "HF_ENDPOINT": address}
        follow = lambda process: peaks.append(peak_memory(process))
        seconds, _ = on_one_core([program, "pull", "--force", NAME], env, follow, stderr=subprocess.DEVNULL)
        if not list(Path(cache).glob(f"models--*/blobs/{etag}")):
            raise RuntimeError("the weights did not arrive")
        return seconds


def piped(hash_program, address, commit, etag):
    """The seconds of curl into a hash program, which stores nothing."""
    curl = ["curl", "-sSL", "--fail", f"{address}/{NAME}/resolve/{commit}/{WEIGHTS}"]
    command = " | ".join(" ".join(map(str, part)) for part in (curl, HASHES[hash_program]))
    seconds, printed = on_one_core(["sh", "-c", command], {"PATH": os.environ["PATH"]})
    if printed.split()[0] != etag:
        raise RuntimeError(f"{command} gives {printed}")
    return seconds


def hash_alone(hash_program, size):
    """Seconds of hashing a file in the page cache."""
    with tempfile.NamedTemporaryFile(prefix="stratoscope-bench-") as file:
        file.write(os.urandom(1 << 20) * (size >> 20))
        file.flush()
        return on_one_core([*HASHES[hash_program], file.name], {"PATH": os.environ["PATH"]})[0]


def disk_alone(size):
    """Seconds of writing so much to the same folder and flushing it: the minimum for the disk."""
    piece = os.urandom(1 << 20)
    with tempfile.TemporaryFile(prefix="stratoscope-bench-", buffering=0) as file:
        start = time.perf_counter()
        for _ in range(size >> 20):
            file.write(piece)
        os.fsync(file.fileno())
        return time.perf_counter() - start


def versions():
    def first_line(*command):
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")[0]

    found = {}
    if shutil.which("curl"):
        curl = re.match(r"curl (\S+)", first_line("curl", "--version"))[1]
        tools = {"sha256sum": first_line("sha256sum", "--version").split()[-1], "openssl": first_line("openssl", "version").split()[1]}
        for name, version in tools.items():
            found[name] = {"version": curl, "kernels": f"{'coreutils' if name == 'sha256sum' else 'OpenSSL'} {version}"}
    return found
