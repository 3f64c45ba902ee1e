"""A cache shared with Python: huggingface_hub's rules find our files, and its files are used here.

The rules are those of docs/cache.md, written here once more, from the documentation and not from our library.
"""
import os
import re
import shutil

import pytest

from driver import NEEDED

WEIGHTS = "model.safetensors"
GPT2 = "openai-community/gpt2"


def folder_of(cache, repository):
    return cache / ("models--" + repository.replace("/", "--"))


def find_file(cache, repository, file, revision="main"):
    """Where Python finds a file without a network, or None."""
    folder = folder_of(cache, repository)
    if not re.fullmatch("[0-9a-f]{40}", revision):
        reference = folder / "refs" / revision
        if not reference.is_file():
            return None
        revision = reference.read_text()  # as it is: a line break would be part of the folder's name
    pointer = folder / "snapshots" / revision / file
    return pointer if pointer.is_file() else None


def scan(cache):
    """{repository: {revision: files}}, with Python's complaints about a corrupted cache."""
    found = {}
    for folder in cache.iterdir():
        if folder.name == ".locks":
            continue
        kind, *name = folder.name.split("--")
        assert folder.is_dir() and kind == "models" and name, f"{folder} is no repository"
        snapshots = {path.name: path for path in (folder / "snapshots").iterdir()}
        for path in snapshots.values():
            assert path.is_dir(), f"{path} is no snapshot"
            for pointer in path.rglob("*"):
                assert pointer.is_dir() or pointer.resolve().is_file(), f"{pointer} leads nowhere"
                assert pointer.resolve().parent == (folder / "blobs").resolve()
        references = [path for path in (folder / "refs").rglob("*") if path.is_file()]
        named = {str(path.relative_to(folder / "refs")): path.read_text() for path in references}
        assert set(named.values()) <= set(snapshots), "a reference to a commit that is not there"
        found["/".join(name)] = {r: {p.name for p in snapshots[c].iterdir()} for r, c in named.items()}
    return found


def write_as_python(hub, cache, repository, typed=None, files=NEEDED, revision="main"):
    """The files of huggingface_hub after a download of a repository by the name `typed`."""
    commit = hub.repositories[repository].revisions[revision]
    folder = folder_of(cache, typed or repository)
    for part in ("blobs", f"snapshots/{commit}", "refs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "refs" / revision).write_text(commit)
    for name in files:
        file = hub.repositories[repository].commits[commit][name]
        (folder / "blobs" / file.etag).write_bytes(file.data)
        os.symlink(f"../../blobs/{file.etag}", folder / "snapshots" / commit / name)
        lock = cache / ".locks" / folder.name / (file.etag + ".lock")
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    return commit


def test_python_finds_what_we_wrote_under_both_names(hub, driver, model):
    commit = hub.add(GPT2, model(), alias="gpt2")
    driver.pull("gpt2")
    for name in ("gpt2", GPT2):
        for file in NEEDED:
            assert find_file(driver.cache, name, file).read_bytes() == model()[file]
            assert find_file(driver.cache, name, file, commit)
    assert scan(driver.cache) == {"gpt2": {"main": NEEDED}, GPT2: {"main": NEEDED}}
    link = driver.cache / "models--gpt2"
    assert link.is_symlink() and os.readlink(link) == "models--openai-community--gpt2"


def test_the_cache_may_move(hub, driver, model):
    hub.add(GPT2, model(), alias="gpt2")
    driver.pull("gpt2")
    moved = driver.cache.rename(driver.cache.parent / "moved")
    assert find_file(moved, "gpt2", WEIGHTS).read_bytes() == model()[WEIGHTS]


def test_a_whole_name_needs_no_link(hub, driver, model):
    hub.add(GPT2, model(), alias="gpt2")
    driver.pull(GPT2)
    assert set(scan(driver.cache)) == {GPT2}
    driver.pull("gpt2")
    assert set(scan(driver.cache)) == {GPT2, "gpt2"}
    assert hub.bytes_sent(WEIGHTS) == 300_000


@pytest.mark.parametrize("revision", ["v1.0", "refs/pr/1", "feature/x"])
def test_revisions(hub, driver, model, revision):
    hub.add("x", model())
    commit = hub.add("x", model(seed=2), revision=revision)
    result = driver.pull(f"x@{revision}")
    assert result["commit"] == commit and result["revision"] == revision
    assert find_file(driver.cache, "x", WEIGHTS, revision).read_bytes() == model(seed=2)[WEIGHTS]
    assert find_file(driver.cache, "x", WEIGHTS) is None
    driver.pull("x")
    assert find_file(driver.cache, "x", WEIGHTS).read_bytes() == model()[WEIGHTS]
    assert set(scan(driver.cache)["x"]) == {"main", revision}


def test_a_commit_makes_no_reference(hub, driver, model):
    commit = hub.add("x", model())
    driver.pull(f"x@{commit}")
    assert find_file(driver.cache, "x", WEIGHTS, commit)
    assert scan(driver.cache) == {"x": {}}


def test_references_end_without_a_line_break(hub, driver, model):
    commit = hub.add("x", model())
    driver.pull("x")
    assert (driver.folder("x") / "refs" / "main").read_bytes() == commit.encode()


@pytest.mark.parametrize("typed", ["gpt2", GPT2])
@pytest.mark.parametrize("asked", ["gpt2", GPT2])
def test_what_python_downloaded_is_not_downloaded_again(hub, driver, model, typed, asked):
    commit = hub.add(GPT2, model(), alias="gpt2")
    write_as_python(hub, driver.cache, GPT2, typed)
    result = driver.pull(asked)
    assert result["received"] == 0 and result["commit"] == commit
    for name in {typed, asked}:
        assert find_file(driver.cache, name, WEIGHTS).read_bytes() == model()[WEIGHTS]
    assert set(scan(driver.cache)) >= {typed, asked}


def test_what_python_has_of_a_snapshot_is_kept(hub, driver, model):
    commit = hub.add("x", model())
    write_as_python(hub, driver.cache, "x", files={"config.json", "vocab.json"})
    result = driver.pull("x")
    assert {name for name, file in result["files"].items() if file["received"]} == NEEDED - {"config.json", "vocab.json"}
    assert driver.holds("x", commit, NEEDED)


def test_a_blob_without_a_link_is_used(hub, driver, model):
    """As of another snapshot, or after a kill between the two."""
    commit = hub.add("x", model())
    write_as_python(hub, driver.cache, "x")
    (driver.snapshot("x", commit) / WEIGHTS).unlink()
    assert driver.pull("x")["received"] == 0
    assert driver.holds("x", commit, NEEDED)


def test_two_folders_of_one_repository_share_their_bytes(hub, driver, model):
    """Python downloaded by both names, at different times."""
    old = hub.add(GPT2, model(seed=7), alias="gpt2")
    write_as_python(hub, driver.cache, GPT2, "gpt2")
    commit = hub.add(GPT2, model(), alias="gpt2")
    write_as_python(hub, driver.cache, GPT2)
    assert driver.pull("gpt2")["received"] == 0
    assert find_file(driver.cache, "gpt2", WEIGHTS).read_bytes() == model()[WEIGHTS]
    etag = hub.repositories[GPT2].commits[commit][WEIGHTS].etag
    assert os.path.samefile(*(folder_of(driver.cache, name) / "blobs" / etag for name in ("gpt2", GPT2)))
    assert (folder_of(driver.cache, "gpt2") / "snapshots" / old / WEIGHTS).exists(), "the old one is left alone"
    shutil.rmtree(folder_of(driver.cache, GPT2))
    assert find_file(driver.cache, "gpt2", WEIGHTS).read_bytes() == model()[WEIGHTS]


def test_a_link_that_leads_nowhere_is_filled(hub, driver, model):
    hub.add(GPT2, model(), alias="gpt2")
    driver.pull("gpt2")
    shutil.rmtree(folder_of(driver.cache, GPT2))
    driver.pull("gpt2")
    assert find_file(driver.cache, "gpt2", WEIGHTS).read_bytes() == model()[WEIGHTS]


def test_files_are_as_readable_as_the_users_others(hub, driver, model):
    hub.add("x", model())
    previous = os.umask(0o027)
    try:
        driver.pull("x")
    finally:
        os.umask(previous)
    modes = {path.stat().st_mode & 0o777 for path in (driver.folder("x") / "blobs").iterdir()}
    assert modes == {0o640}


def test_a_complete_model_is_not_touched(hub, driver, model):
    """The cache may be another user's, or on a disk that cannot be written."""
    hub.add(GPT2, model(), alias="gpt2")
    driver.pull("gpt2")

    def state():
        return {path: path.lstat().st_mtime_ns for path in [driver.cache, *driver.cache.rglob("*")]}

    before = state()
    for name in ("gpt2", GPT2):
        assert set(driver.pull(name)["files"]) == NEEDED
    assert state() == before


def test_nothing_is_left_but_the_cache(hub, driver, model):
    hub.add("x", model())
    driver.pull("x")
    assert {path.suffix for path in (driver.cache / ".locks" / "models--x").iterdir()} == {".lock"}
    assert {path.name for path in driver.folder("x").iterdir()} == {"blobs", "snapshots", "refs"}
