"""A disk that is full: a small tmpfs, private to the test. The old files stay and nothing is added."""
import subprocess

import pytest

from program import KAFKA, PROGRAM, quick_gnuplot

# If users may not mount, even in a namespace of their own, the test is skipped.
IN_A_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]

# Arguments: the disk's size, the old command, the new one. Ends with the new one's status.
SCRIPT = """
mount -t tmpfs -o size=$1 none disk && cp -a old/. disk/ || exit 70
shift
"$@"
status=$?
diff -r old disk >&2 || exit 71
exit $status
"""


@pytest.fixture
def namespaces():
    probe = [*IN_A_NAMESPACE, "mount", "-t", "tmpfs", "-o", "size=4k", "none", "/tmp"]
    try:
        allowed = subprocess.run(probe, capture_output=True).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("this system lets nobody mount a small disk (unshare --user --mount)")


def size_of(folder):
    """As a disk counts it: in pages, and one for each file and folder."""
    return sum(4096 * (2 + path.stat().st_size // 4096) for path in folder.rglob("*"))


LONG = " ".join([KAFKA] * 6)
SIMILARITY = ["similarity", LONG, "--across", "tokens"]


@pytest.mark.parametrize(
    "old, new",
    [
        (["run", "A", "--save", "a.safetensors"], ["run", LONG, "--save", "a.safetensors"]),
        (["run", "A", "--save", "a.npz"], ["run", LONG, "--save", "a.npz"]),
        (["demo", "A", "--out", "out"], ["demo", LONG, "--out", "out"]),
        (["predict", "A", "--figure", "a.vl.json"], [*SIMILARITY, "--figure", "a.vl.json"]),
        (["predict", "A", "--figure", "a.svg"], [*SIMILARITY, "--figure", "a.svg"]),
    ],
    ids=["safetensors", "npz", "demo", "vega-lite", "svg"],
)
def test_the_old_files_stay(stratoscope, namespaces, old, new):
    env = quick_gnuplot(stratoscope)
    folder = stratoscope.folder
    (folder / "old").mkdir()
    (folder / "disk").mkdir()
    env = stratoscope.environment(env)
    subprocess.run([PROGRAM, *old], cwd=folder / "old", env=env, check=True, capture_output=True)
    size = size_of(folder / "old") + 64 * 1024
    on_disk = ["sh", "-c", 'cd disk && exec "$@"', "sh", PROGRAM, *new]
    command = [*IN_A_NAMESPACE, "sh", "-c", SCRIPT, "sh", str(size), *on_disk]
    result = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert result.returncode == 1, result.stderr
    assert result.stderr.splitlines()[-1].startswith("stratoscope: error: ")
    assert "No space left on device" in result.stderr.splitlines()[-1]
    assert result.stdout == ""
