"""Results saved to links, by the user nobody: the target of a link is replaced as a whole, and the link stays."""
import os
import sys

import pytest

from program import PENGUINS, ROOT

sys.path.insert(0, str(ROOT / "tests" / "support"))

import nobody  # noqa: E402, F401

SWEEP = ["sweep", PENGUINS, "--edit", "blocks.{layer}.hook_resid_post *= 0.8", "--over", "layer=all", "--target", " cute"]
WRITERS = {
    "save.safetensors": ["run", PENGUINS, "--save"],
    "save.npz": ["run", PENGUINS, "--save"],
    "generated.npz": ["generate", PENGUINS, "--max-new", "2", "--save"],
    "figure.vl.json": ["predict", PENGUINS, "--figure"],
    "record.json": ["predict", PENGUINS, "--record"],
    "results.csv": [*SWEEP, "--save"],
    "journal.jsonl": [*SWEEP, "--resume"],
}


@pytest.fixture(params=WRITERS)
def writer(request):
    return request.param, WRITERS[request.param]


def test_onto_a_link(stratoscope, writer):
    name, command = writer
    disk = stratoscope.folder / "disk"
    disk.mkdir()
    stratoscope.succeeds(*command, "plain-" + name)
    (disk / name).write_bytes(b"")
    os.symlink("disk/" + name, stratoscope.folder / name)
    os.symlink("disk/new", stratoscope.folder / ("new-" + name))
    for link in (name, "new-" + name):
        stratoscope.succeeds(*command, link)
        assert (stratoscope.folder / link).is_symlink()
        assert len((stratoscope.folder / link).read_bytes()) > 0
    assert sorted(path.name for path in disk.iterdir()) == sorted([name, "new"])


def test_onto_what_is_no_file(stratoscope, writer):
    name, command = writer
    (stratoscope.folder / "folder").mkdir()
    for target, says in {
        "folder": ("is a folder", "is not a regular file", "Is a directory"),
        "/dev/null": ("is not a regular file",),
        "gone/x": ("No such file or directory",),
        name: ("leads back to itself",),
    }.items():
        link = stratoscope.folder / name
        os.symlink(target, link)
        result = stratoscope.run(*command, name)  # generated text is printed as it comes
        assert result.status == 1 and any(text in result.error for text in says), result.error
        assert os.readlink(link) == target
        stratoscope.leaves_no_temporary_file()
        link.unlink()
