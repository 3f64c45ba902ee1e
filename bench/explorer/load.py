"""A mixed load of many connections on a server of its own on loopback: errors, latencies, and growth of memory.

    STRATOSCOPE=build/stratoscope python3 bench/explorer/load.py [SECONDS] [CONNECTIONS] [--json]
"""
import argparse
import http.client
import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "server"))
from serving import Answer, Serving  # noqa: E402

TEXTS = ["A wise man once said: Penguins are cute.", "It was the best of times, it was the worst of times"]
SWEEP = {"edits": ["blocks.{layer}.hook_resid_post *= 0.8"], "axes": ["layer=all"], "metric": "kl"}
WAIT = 120


def requests(chance):
    """An endless mix of the requests of pages."""
    while True:
        text = {"text": chance.choice(TEXTS)}
        edit = {"edits": [f"blocks.{chance.randrange(12)}.hook_resid_post *= {chance.random():.2f}"]}
        change = [
            {"path": "/api/tokens", "body": text},
            {"path": "/api/predict", "body": text | edit | {"compare": True}},
            {"path": "/api/activations", "body": text | edit | {"token": 3, "compare": True, "no_effect": True}},
            {"path": "/api/lens", "body": text | edit | {"positions": "0:4", "top": 1, "no_effect": True}},
        ]
        yield chance.choices(
            [
                ("GET", "/", None),
                ("GET", "/api/models", None),
                ("POST", "/api/tokens", text),
                ("POST", "/api/predict", text | edit | {"compare": True}),
                ("POST", "/api/activations?format=binary", text | edit | {"token": 3, "compare": True, "no_effect": True}),
                ("POST", "/api/similarity?format=binary", text | {"across": "tokens", "layers": [4], "no_effect": True}),
                ("POST", "/api/attention?format=binary", text | {"heads": ["L2H1"], "no_scores": True}),
                ("POST", "/api/lens", text | {"positions": "0:4", "top": 1, "no_effect": True}),
                ("POST", "/api/sweep", text | SWEEP),
                ("POST", "/api/batch", {"requests": change}),
            ],
            weights=[2, 1, 4, 8, 4, 4, 4, 1, 1, 4],
        )[0]


def client(server, until, seed, times, faults):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
    for method, path, body in requests(random.Random(seed)):
        if time.monotonic() > until:
            return
        begin = time.monotonic()
        try:
            headers = {"X-Stratoscope-Client": str(seed)} | ({"Content-Type": "application/json"} if body else {})
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = Answer(connection.getresponse())
            is_batch = path == "/api/batch" and answer.status == 200
            inside = [head.get("status", 200) for head, _ in answer.messages()] if is_batch else []
            status = max([answer.status, *inside])
            if status not in (200, 429):  # the queue is full
                faults.append((path, status))
            times.append((status, time.monotonic() - begin))
        except OSError as error:
            faults.append((path, repr(error)))
            connection.close()


def resident_mebibytes(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def measure(seconds, connections):
    with tempfile.TemporaryDirectory() as folder, Serving(Path(folder)) as server:
        times, faults, memory = [], [], []
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=client, args=(server, until, i, times, faults)) for i in range(connections)]
        for thread in threads:
            thread.start()
        while time.monotonic() < until:
            time.sleep(seconds / 12)
            memory.append(resident_mebibytes(server))
        for thread in threads:
            thread.join()
        if server.stop() != 0:
            faults.append(("the server's end", server.process.returncode))
    done = sorted(took for status, took in times if status == 200)
    return {
        "connections": connections,
        "seconds": seconds,
        "answers": len(done),
        "busy": sum(status == 429 for status, _ in times),
        "faults": faults,
        "median": done[len(done) // 2],
        "p99": done[int(0.99 * len(done))],
        "largest": done[-1],
        "resident_mebibytes": memory,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("seconds", nargs="?", type=float, default=60)
    parser.add_argument("connections", nargs="?", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.seconds, given.connections)
    if given.json:
        print(json.dumps(found))
    else:
        faults = found["faults"]
        print(f"{found['connections']} connections, {found['seconds']:.0f} s: {found['answers']} answers, "
              f"{found['busy']} told to wait (429), {len(faults)} faults")
        print(*faults[:5], sep="\n", end="\n" if faults else "")
        print(f"median {1e3 * found['median']:.0f} ms, p99 {1e3 * found['p99']:.0f} ms, largest {1e3 * found['largest']:.0f} ms")
        print("resident MiB over the time:", *(f"{m:.0f}" for m in found["resident_mebibytes"]))
    return 1 if found["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
