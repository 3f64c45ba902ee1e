"""Only files in the cache that differ from the hub's are downloaded again."""
import json
import os
import shutil
import signal

import pytest

from driver import NEEDED, Driver, wait_until
from fixture_hub import Hub

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
SHARDS = {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 300000\n" % (b"0" * 64)


def blob_of(pointer):
    return pointer.parent / os.readlink(pointer)


def rewrite(change):
    """Changes the bytes of the blob that a snapshot's link leads to."""

    def spoil(pointer):
        blob = blob_of(pointer)
        blob.write_bytes(change(blob.read_bytes()))

    return spoil


def in_its_place(make):
    def spoil(pointer):
        blob = blob_of(pointer)
        blob.unlink()
        make(blob)

    return spoil


def replace_link(target):
    def spoil(pointer):
        pointer.unlink()
        os.symlink(target, pointer)

    return spoil


def folder_for_link(pointer):
    pointer.unlink()
    pointer.mkdir()


def copied(pointer):
    """A truncated file in the snapshot itself, as on file systems without links."""
    data = pointer.read_bytes()
    pointer.unlink()
    pointer.write_bytes(data[:-1])


DAMAGE = {
    "cut": rewrite(lambda data: data[: len(data) // 2]),
    "a byte short": rewrite(lambda data: data[:-1]),
    "a byte long": rewrite(lambda data: data + b"\0"),
    "twice": rewrite(lambda data: data + data),
    "empty": rewrite(lambda data: b""),
    "git-lfs pointer": rewrite(lambda data: POINTER),
    "page": rewrite(lambda data: b"<!DOCTYPE html><html>Log in first</html>"),
    "no blob": in_its_place(lambda blob: None),
    "folder": in_its_place(lambda blob: blob.mkdir()),
    "link to nothing": in_its_place(lambda blob: os.symlink("nothing", blob)),
    "link to itself": in_its_place(lambda blob: os.symlink(blob.name, blob)),
    "file in the snapshot": copied,
    "no link": lambda pointer: pointer.unlink(),
    "dangling link": replace_link("../../blobs/" + "0" * 64),
    "link out of the cache": replace_link("/nonexistent/file"),
    "folder for a link": folder_for_link,
}


def sharded(model):
    files = model(**{name: name.encode() * 4000 for name in SHARDS})
    del files[WEIGHTS]
    return files | {INDEX: json.dumps({"weight_map": {name: name for name in sorted(SHARDS)}}).encode()}


def state(folder):
    return {path: path.lstat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


@pytest.mark.parametrize("name", ["config.json", "vocab.json", WEIGHTS])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_mended(hub, driver, model, damage, name):
    commit = hub.add("x", model())
    driver.pull("x")
    DAMAGE[damage](driver.snapshot("x", commit) / name)
    before = {path: path.stat().st_mtime_ns for path in (driver.folder("x") / "blobs").iterdir() if path.is_file()}
    hub.requests.clear()
    result = driver.pull("x")
    assert driver.holds("x", commit, NEEDED)
    fetched = {request.file for request in hub.requests if request.method == "GET"} - {"main"}
    assert fetched <= {name}, "what is right is not fetched"
    etag = hub.repositories["x"].commits[commit][name].etag
    kept = {path: time for path, time in before.items() if path.name != etag}
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items()), "nor touched"
    assert result["received"] == (len(model()[name]) if fetched else 0)
    after = state(driver.cache)
    assert driver.pull("x")["received"] == 0 and state(driver.cache) == after


@pytest.mark.parametrize("name", [INDEX, min(SHARDS)])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_part_is_mended(hub, driver, model, damage, name):
    commit = hub.add("x", sharded(model))
    driver.pull("x")
    DAMAGE[damage](driver.snapshot("x", commit) / name)
    driver.pull("x")
    assert driver.holds("x", commit, (NEEDED - {WEIGHTS}) | SHARDS | {INDEX})


@pytest.mark.parametrize("name", ["config.json", WEIGHTS])
@pytest.mark.parametrize("damage", ["cut", "twice", "no blob"])
def test_where_the_list_of_files_tells_no_sizes(model, tmp_path, damage, name):
    with Hub(lists_sizes=False) as mirror:
        driver = Driver(tmp_path, mirror)
        commit = mirror.add("x", model())
        driver.pull("x")
        before = state(driver.cache)
        assert driver.pull("x")["received"] == 0 and state(driver.cache) == before
        DAMAGE[damage](driver.snapshot("x", commit) / name)
        driver.pull("x")
        assert driver.holds("x", commit, NEEDED)


NO_SIZES = [{"size": -1}, {"size": "7"}, {"size": 1e300}, {"size": None}, {"lfs": {"size": "x"}}, {"lfs": {}}]


@pytest.mark.parametrize("told", NO_SIZES)
def test_sizes_that_are_none_are_asked_for(hub, driver, model, told):
    commit = hub.add("x", model())
    driver.pull("x")
    siblings = [{"rfilename": name, "size": 3} | told for name in model()]
    hub.misbehave("GET", "/api/", json={"siblings": siblings})
    assert driver.pull("x")["received"] == 0
    assert driver.holds("x", commit, NEEDED)


def test_a_list_with_wrong_sizes_makes_no_download(hub, driver, model):
    commit = hub.add("x", model())
    driver.pull("x")
    siblings = [{"rfilename": name, "size": 3} for name in model()]
    hub.misbehave("GET", "/api/", json={"siblings": siblings})
    assert driver.pull("x")["received"] == 0
    assert driver.holds("x", commit, NEEDED)


def test_a_complete_gated_model_needs_no_token(hub, driver, model):
    hub.add("x", model(), tokens={"hf_secret"}, gated=True)
    driver.pull("x", env={"HF_TOKEN": "hf_secret"})
    assert driver.pull("x")["received"] == 0


def test_an_index_of_the_right_size_that_names_other_files(hub, driver, model):
    commit = hub.add("x", sharded(model))
    driver.pull("x")
    rewrite(lambda data: data.replace(b"00001-of", b"00009-of"))(driver.snapshot("x", commit) / INDEX)
    driver.pull("x")
    assert driver.holds("x", commit, (NEEDED - {WEIGHTS}) | SHARDS | {INDEX})


@pytest.mark.parametrize("name", ["config.json", INDEX])
def test_other_bytes_of_the_right_size_that_cannot_be_read(hub, driver, model, name):
    commit = hub.add("x", sharded(model))
    driver.pull("x")
    rewrite(lambda data: b"\0" * len(data))(driver.snapshot("x", commit) / name)
    if name == "config.json":
        (driver.snapshot("x", commit) / "vocab.json").unlink()  # so that it is looked at
    driver.pull("x")
    assert driver.holds("x", commit, (NEEDED - {WEIGHTS}) | SHARDS | {INDEX})


def test_verified_by_hashes(hub, driver, model):
    commit = hub.add("x", model())
    driver.pull("x")
    rewrite(lambda data: b"\1" * len(data))(driver.snapshot("x", commit) / WEIGHTS)
    assert driver.pull("x")["received"] == 0, "sizes alone are compared"
    hub.requests.clear()
    driver.pull("x", "--verify")
    assert driver.holds("x", commit, NEEDED)
    assert {request.file for request in hub.requests if request.method == "GET"} == {"main", WEIGHTS}
    assert driver.pull("x", "--verify")["received"] == 0


@pytest.mark.parametrize("place", ["blob", "link"])
def test_a_folder_that_holds_something_stays(hub, driver, model, place):
    commit = hub.add("x", model())
    driver.pull("x")
    pointer = driver.snapshot("x", commit) / WEIGHTS
    folder = blob_of(pointer) if place == "blob" else pointer
    folder.unlink()
    folder.mkdir()
    (folder / "notes.txt").write_text("precious")
    driver.fails("x", says=["is a folder where the cache keeps a file", "move it away"])
    assert (folder / "notes.txt").read_text() == "precious"
    folder.rename(driver.home / "away")
    driver.pull("x")
    assert driver.holds("x", commit, NEEDED)


def test_a_damaged_file_behind_a_link_stays(hub, driver, model, tmp_path):
    """As in a store that other repositories share: it is replaced here, and not written to."""
    commit = hub.add("x", model())
    driver.pull("x")
    blob = blob_of(driver.snapshot("x", commit) / WEIGHTS)
    store = tmp_path / "store"
    store.write_bytes(b"short")
    blob.unlink()
    os.symlink(store, blob)
    driver.pull("x")
    assert driver.holds("x", commit, NEEDED) and not blob.is_symlink() and store.read_bytes() == b"short"


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_mend_leaves_the_old_state(hub, driver, model, signal_number):
    commit = hub.add("x", model())
    driver.pull("x")
    pointer = driver.snapshot("x", commit) / WEIGHTS
    DAMAGE["cut"](pointer)
    old = pointer.read_bytes()
    hub.misbehave("GET", WEIGHTS, server="cdn", stall_after=100_000)
    process = driver.start("x")
    wait_until(lambda: any(path.stat().st_size == 100_000 for path in driver.incomplete()), process)
    process.send_signal(signal_number)
    process.communicate(timeout=60)
    assert pointer.read_bytes() == old
    assert driver.pull("x")["received"] == 200_000, "it goes on where it ended"
    assert driver.holds("x", commit, NEEDED)


def test_a_hub_that_sends_the_same_damage_leaves_the_old_state(hub, driver, model):
    commit = hub.add("x", model())
    driver.pull("x")
    pointer = driver.snapshot("x", commit) / WEIGHTS
    DAMAGE["cut"](pointer)
    hub.misbehave("GET", WEIGHTS, server="cdn", times=9, body=b"\2" * 300_000)
    driver.fails("x", says="but the hub says")
    assert pointer.stat().st_size == 150_000


def test_a_full_disk_leaves_the_old_state(hub, driver, model):
    commit = hub.add("x", model())
    driver.pull("x")
    pointer = driver.snapshot("x", commit) / WEIGHTS
    DAMAGE["cut"](pointer)
    driver.fails("x", "--free", 200_000, says="needs 300 kB")
    assert pointer.stat().st_size == 150_000


def test_without_a_network(hub, driver, model):
    commit = hub.add("x", model())
    driver.pull("x")
    shutil.rmtree(driver.folder("x") / "blobs")
    says = ["without 'config.json'", "'stratoscope pull x' gets the missing files", "$HF_HUB_OFFLINE is set"]
    driver.fails("x", env={"HF_HUB_OFFLINE": "1"}, says=says)
    driver.pull("x")
    assert driver.holds("x", commit, NEEDED)
