"""Starts pull_driver against a hub, with a cache of its own, and reads that cache."""
import json
import os
import subprocess
import time
from pathlib import Path

PROGRAM = Path(os.environ["PULL_DRIVER"]).resolve()
TIME_LIMIT = 120  # seconds; only a hang takes so long
NEEDED = {"config.json", "generation_config.json", "vocab.json", "merges.txt", "model.safetensors"}


class Failed(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Driver:
    def __init__(self, folder, hub):
        self.hub, self.home, self.cache = hub, folder / "home", folder / "cache"
        self.home.mkdir()

    def start(self, *arguments, env=None, **options):
        kept = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "TSAN_OPTIONS") if name in os.environ}
        env = kept | {"HOME": str(self.home), "HF_ENDPOINT": self.hub.address, "HF_HUB_CACHE": str(self.cache)} | (env or {})
        command = [PROGRAM, *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True, cwd=self.home, **options)

    def pull(self, *arguments, **options):
        """The result; raises Failed with the error's text."""
        return result_of(self.start(*arguments, **options))

    def fails(self, *arguments, says, **options):
        try:
            done = self.pull(*arguments, **options)
        except Failed as failed:
            assert failed.status == 1, f"status {failed.status}: {failed}"
            for part in [says] if isinstance(says, str) else says:
                assert part in str(failed), f"{part!r} is not in {str(failed)!r}"
            return str(failed)
        raise AssertionError(f"it succeeded: {done}")

    def folder(self, repository):
        return self.cache / ("models--" + repository.replace("/", "--"))

    def snapshot(self, repository, commit):
        return self.folder(repository) / "snapshots" / commit

    def incomplete(self):
        return sorted(self.cache.rglob("*.incomplete"))

    def holds(self, repository, commit, files):
        """Whether a snapshot is complete and correct: exactly the needed files."""
        snapshot = self.snapshot(repository, commit)
        assert {path.name for path in snapshot.iterdir()} == set(files)
        for name in files:
            expected = self.hub.repositories[repository].commits[commit][name]
            path = snapshot / name
            assert path.read_bytes() == expected.data, name
            assert path.is_symlink() and os.readlink(path) == f"../../blobs/{expected.etag}"
        blobs = {path.name for path in (self.folder(repository) / "blobs").iterdir()}
        assert not any(name.endswith(".incomplete") for name in blobs), blobs
        return True


def result_of(process):
    try:
        out, err = process.communicate(timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    if process.returncode != 0:
        lines = err.splitlines()
        raise Failed(process.returncode, lines[-1] if lines else "")
    return json.loads(out)


def wait_until(condition, process=None):
    deadline = time.monotonic() + TIME_LIMIT
    while not condition():
        assert process is None or process.poll() is None, f"ended early: {process.communicate()}"
        assert time.monotonic() < deadline
        time.sleep(0.002)
