"""The program as users run it: started with arguments, in its own folder, judged by its output and its files.

STRATOSCOPE names the program. Each call starts one process without a terminal and with an environment of its own.
"""
import ctypes
import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

PROGRAM = Path(os.environ["STRATOSCOPE"]).resolve()
ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ROOT / "tests" / "golden" / "families"
MODEL = ROOT / "models" / "novella-7m"
TIME_LIMIT = 240  # seconds; only a hang takes so long
PENGUINS = "A wise man once said: Penguins are cute."
KAFKA = (
    "As Gregor Samsa awoke one morning from uneasy dreams, he found himself transformed in his bed into a gigantic"
)


class Result:
    def __init__(self, status, out, err):
        self.status, self.out_bytes, self.err = status, out, err.decode("utf-8", "replace")

    @property
    def out(self):
        return self.out_bytes.decode("utf-8")

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def warnings(self):
        start = "stratoscope: warning: "
        return [line[len(start) :] for line in self.err.splitlines() if line.startswith(start)]

    @property
    def error(self):
        """The last line on standard error, which explains a failure."""
        lines = self.err.splitlines()
        assert lines and lines[-1].startswith("stratoscope: error: "), f"no error at the end of: {self.err!r}"
        return lines[-1][len("stratoscope: error: ") :]


class Program:
    """Runs in `folder`, on which relative paths depend."""

    def __init__(self, folder):
        self.folder = folder
        self.home = folder.parent / (folder.name + "-home")
        self.home.mkdir()

    def environment(self, changes):
        unwanted = ("HF_", "LC_", "LANG", "XDG_", "STRATOSCOPE")
        env = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        env |= {"HOME": str(self.home), "LC_ALL": "C.UTF-8", "TMPDIR": str(self.home)}
        for name, value in changes.items():
            env.pop(name, None)
            if value is not None:
                env[name] = str(value)
        return env

    def start(self, *arguments, env=None, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        command = [PROGRAM, *(a if isinstance(a, bytes) else str(a) for a in arguments)]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment(env or {}), **options)

    def run(self, *arguments, text=None, **options):
        """`text` is the content of standard input, bytes or a string."""
        if text is not None:
            options["stdin"] = subprocess.PIPE
            text = text if isinstance(text, bytes) else text.encode()
        process = self.start(*arguments, **options)
        try:
            out, err = process.communicate(text, timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return Result(process.returncode, out or b"", err or b"")

    def succeeds(self, *arguments, **options):
        result = self.run(*arguments, **options)
        assert result.status == 0, f"status {result.status}: {result.err}"
        self.leaves_no_temporary_file()
        return result

    def prints(self, *arguments, **options):
        """The output for people, without --json."""
        return self.succeeds(*arguments, **options).out

    def json(self, command, *arguments, **options):
        printed = self.succeeds(command, "--json", *arguments, **options).out
        document = json.loads(printed, parse_constant=refuse_constant)
        assert document["version"] and document["precision"] and document["isa"]
        assert document["model"].keys() == {"name", "hash"}
        return document

    def fails(self, *arguments, status=1, says=(), leaves=(), **options):
        """Fails by the contract: the status, one last line that explains, no output, and no new file
        but the files `leaves`. `says` is text, or several, that the line holds."""
        before = self.files()
        result = self.run(*arguments, **options)
        assert result.status == status, f"status {result.status}: {result.err}{result.out}"
        for part in [says] if isinstance(says, str) else says:
            assert part in result.error, f"{part!r} is not in {result.error!r}"
        assert result.out_bytes == b"", "a failure prints no result"
        assert self.files() == before | set(leaves)
        self.leaves_no_temporary_file()
        return result

    def files(self):
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if not path.is_dir()}

    def leaves_no_temporary_file(self):
        left = [*self.folder.rglob(".*.tmp"), *self.folder.rglob(".stratoscope-demo.*"), *self.home.iterdir()]
        left = [path for path in left if path.name != ".stratoscope-demo"]
        assert not left, f"left behind: {left}"


def refuse_constant(name):
    raise AssertionError(f"{name} is no JSON")


def interrupt(process, group=False, number=signal.SIGINT):
    (os.killpg if group else os.kill)(process.pid, number)
    out, err = process.communicate(timeout=TIME_LIMIT)
    return Result(process.returncode, out or b"", err or b"")


def wait_until(condition, process):
    """Waits for something that the running process does."""
    deadline = time.monotonic() + TIME_LIMIT
    while not condition():
        assert process.poll() is None, f"ended early: {process.communicate()}"
        assert time.monotonic() < deadline
        time.sleep(0.002)


def is_working(process, seconds=0.5):
    """Has used processor time, so it has started."""

    def check():
        with open(f"/proc/{process.pid}/stat", encoding="utf-8") as stat:
            ticks = sum(int(field) for field in stat.read().rsplit(")", 1)[1].split()[11:13])
        return ticks >= seconds * os.sysconf("SC_CLK_TCK")

    return check


def fake_gnuplot(stratoscope, script):
    """An environment in which `script` is gnuplot."""
    gnuplot = stratoscope.folder.parent / "bin" / "gnuplot"
    temporary = gnuplot.parent / "tmp"
    temporary.mkdir(parents=True)
    gnuplot.write_text(f"#!/bin/sh\n{script}\n")
    gnuplot.chmod(0o755)
    return {"PATH": f"{gnuplot.parent}:/usr/bin:/bin", "TMPDIR": temporary}


def quick_gnuplot(stratoscope):
    """A stand-in that draws an empty picture immediately, since gnuplot takes a second."""
    return fake_gnuplot(
        stratoscope,
        r"""echo '<?xml version="1.0"?><svg width="1" height="1" viewBox="0 0 1 1"></svg>' >figure.svg
for name in $(sed -n "s/^set output '\(.*\)'.*/\1/p" figure.gp); do
  case $name in
    *.png) printf '\211PNG\r\n\032\nIEND' >"$name" ;;
    *.pdf) printf '%%PDF-1.5 %%%%EOF' >"$name" ;;
    *) cp figure.svg "$name" 2>/dev/null ;;
  esac
done
exit 0""",
    )


# The actions of a child between fork and exec.


def write_lines(stratoscope, name, objects):
    lines = "".join(json.dumps(one) + "\n" for one in objects)
    (stratoscope.folder / name).write_text(lines, encoding="utf-8")


def with_file_size_limit(count):
    if os.environ.get("SANITIZER"):
        pytest.skip("libomp, which the sanitizers need, does not start under a limit of file sizes")
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (count, count))


def without_root_powers():
    """Permissions then bind root too."""
    drop_from_bounding_set, override, read_search = 24, 1, 2
    if os.geteuid() == 0:
        for capability in (override, read_search):
            if ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0) != 0:
                raise OSError("cannot give up root's powers")
