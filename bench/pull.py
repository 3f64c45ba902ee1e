"""How fast a pull takes what a hub on loopback gives, with the program on one core: pull.py PROGRAM [MEGABYTES] [REPEAT]
The file goes to the folder for temporary files; /dev/shm by TMPDIR leaves the disk out. Prints each run and the median."""
import json
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "hub"))
import fixture_hub

CONFIG = {"model_type": "gpt2", "n_layer": 2, "n_head": 3, "n_embd": 48, "n_positions": 64, "vocab_size": 311}


def serve(size, pipe):
    fixture_hub.CHUNK = 1 << 20
    weights = os.urandom(1 << 20) * (size >> 20)
    etag = fixture_hub.sha256(weights)
    fixture_hub.File.etag = property(lambda file: etag if file.large else fixture_hub.git_sha1(file.data))
    files = {"config.json": json.dumps(CONFIG).encode(), "tokenizer.json": b"{}", "model.safetensors": weights}
    with fixture_hub.Hub() as hub:
        hub.add("bench/model", files)
        pipe.send(hub.address)
        pipe.recv()


def peak_memory(pid):
    """In MB; 0 when it has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1e3 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def main():
    program, megabytes, repeat = sys.argv[1], *(int(number) for number in (sys.argv[2:] + ["1024", "5"])[:2])
    size = megabytes << 20
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(size, theirs), daemon=True)
    server.start()
    address, rates = ours.recv(), []
    core = min(os.sched_getaffinity(0))
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as cache:
            env = {"HF_ENDPOINT": address, "HF_HUB_CACHE": cache, "HOME": cache}
            begin = time.perf_counter()
            process = subprocess.Popen([program, "pull", "bench/model"], env=env, stdout=-3, stderr=-3)
            os.sched_setaffinity(process.pid, {core})
            memory = 0
            while process.poll() is None:
                memory = max(memory, peak_memory(process.pid))
                time.sleep(0.005)
            seconds = time.perf_counter() - begin
            assert process.returncode == 0
        rates.append(size / 1e6 / seconds)
        print(f"{size / 1e6:.0f} MB in {seconds:.2f} s: {rates[-1]:.0f} MB/s, {memory:.0f} MB of memory")
    print(f"median {statistics.median(rates):.0f} MB/s")
    ours.send("enough")
    server.join()


if __name__ == "__main__":
    main()
