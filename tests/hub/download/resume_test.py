"""Existing bytes are not downloaded again: after kills, with other processes, after another program's partial files."""
import fcntl
import os
import signal
import time

import pytest

from driver import NEEDED, Failed, result_of, wait_until

WEIGHTS = "model.safetensors"


def arrived(driver):
    """Bytes of weights that are there, while they are not all."""
    return max(map(size_of, driver.incomplete()), default=0)


def size_of(path):
    try:
        return path.stat().st_size
    except FileNotFoundError:  # it is complete by now, under another name
        return 0


def test_a_hundred_kills_at_random_moments(hub, driver, model, chance):
    size, kills = 6_000_000, 100
    commit = hub.add("x", model(size))
    hub.rate = 600_000
    etag = hub.repositories["x"].commits[commit][WEIGHTS].etag

    def arrived():
        return size_of(driver.folder("x") / "blobs" / (etag + ".incomplete"))

    for _ in range(kills):
        before = arrived()
        asked = len(hub.asked("GET", WEIGHTS, server="cdn"))
        process = driver.start("x")
        time.sleep(chance.uniform(0, 0.12))
        process.kill()
        assert process.wait() == -signal.SIGKILL, "it is too quick for this test"
        for request in hub.asked("GET", WEIGHTS, server="cdn")[asked:]:
            assert request.first_byte == before, "it goes on from where the file ends, and asks once"
        assert arrived() >= before
    hub.rate = 0
    driver.pull("x")
    assert driver.holds("x", commit, NEEDED)
    twice = hub.bytes_sent(WEIGHTS) - size
    assert 0 <= twice <= kills * 32_000, f"{twice} bytes were on the way when it was killed"


def test_kills_leave_nothing_that_looks_complete_and_is_not(hub, driver, model, chance):
    """At full speed, so that they hit the last steps as well."""
    for i in range(40):
        commit = hub.add("x", model(200_000, seed=i))
        process = driver.start("x")
        time.sleep(chance.uniform(0.005, 0.07))
        process.kill()
        process.wait()
        process.stdout.close(), process.stderr.close()
        reference = driver.folder("x") / "refs" / "main"
        if reference.exists():
            named = reference.read_text()
            assert {path.name for path in driver.snapshot("x", named).iterdir()} == NEEDED
            for path in driver.snapshot("x", named).iterdir():
                assert path.read_bytes() == hub.repositories["x"].commits[named][path.name].data
            assert {path.name for path in reference.parent.iterdir()} == {"main"}
    driver.pull("x")
    assert {path.name for path in driver.snapshot("x", commit).iterdir()} == NEEDED


@pytest.mark.parametrize("names", [("openai-community/gpt2", "openai-community/gpt2"), ("gpt2", "openai-community/gpt2")])
def test_two_at_once_fetch_once(hub, driver, model, names):
    commit = hub.add("openai-community/gpt2", model(), alias="gpt2")
    hub.rate = 1_000_000
    results = [result_of(process) for process in [driver.start(name) for name in names]]
    assert driver.holds("openai-community/gpt2", commit, NEEDED)
    for name in NEEDED:
        data = hub.repositories["openai-community/gpt2"].commits[commit][name].data
        assert hub.bytes_sent(name) == len(data) == sum(result["files"][name]["received"] for result in results)


def test_the_second_goes_on_when_the_first_is_killed(hub, driver, model):
    commit = hub.add("x", model(2_000_000))
    hub.rate = 200_000
    first = driver.start("x")
    wait_until(lambda: arrived(driver) > 100_000, first)
    second = driver.start("x", "--show")
    assert any("another process is downloading it" in line for line in second.stderr)
    hub.rate = 0
    first.kill()
    first.communicate()
    second.communicate(timeout=60)
    assert second.returncode == 0
    assert driver.holds("x", commit, NEEDED)
    assert hub.bytes_sent(WEIGHTS) < 2_100_000


@pytest.mark.parametrize("typed", ["gpt2", "openai-community/gpt2"])
def test_pythons_locks_are_respected(hub, driver, model, typed):
    """huggingface_hub locks under the requested name; both names lead to one folder."""
    commit = hub.add("openai-community/gpt2", model(), alias="gpt2")
    etag = hub.repositories["openai-community/gpt2"].commits[commit][WEIGHTS].etag
    lock = driver.cache / ".locks" / ("models--" + typed.replace("/", "--")) / (etag + ".lock")
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        process = driver.start("gpt2")
        wait_until(lambda: (driver.folder("openai-community/gpt2") / "blobs").exists(), process)
        time.sleep(0.3)
        assert process.poll() is None and not hub.asked("GET", WEIGHTS)
    result_of(process)
    assert hub.bytes_sent(WEIGHTS) == 300_000


def start_of(hub, driver, commit, data):
    """Another program's beginning of the weights."""
    blobs = driver.folder("x") / "blobs"
    blobs.mkdir(parents=True)
    etag = hub.repositories["x"].commits[commit][WEIGHTS].etag
    (blobs / (etag + ".incomplete")).write_bytes(data)


def test_pythons_beginning_is_gone_on_with(hub, driver, model):
    commit = hub.add("x", model())
    start_of(hub, driver, commit, model()[WEIGHTS][:100_000])
    assert driver.pull("x")["files"][WEIGHTS]["received"] == 200_000
    assert driver.holds("x", commit, NEEDED)


@pytest.mark.parametrize("size", [1, 299_999, 300_000])
def test_a_beginning_that_is_wrong_is_found_out_and_fetched_again(hub, driver, model, size):
    """A sparse file, as left by a download of many parallel pieces, or by a loss of power."""
    commit = hub.add("x", model())
    start_of(hub, driver, commit, b"\0" * size)
    driver.pull("x")
    assert driver.holds("x", commit, NEEDED)
    assert hub.bytes_sent(WEIGHTS) == 300_000 + 300_000 - size


def test_a_beginning_that_is_too_long_is_dropped(hub, driver, model):
    commit = hub.add("x", model())
    start_of(hub, driver, commit, model()[WEIGHTS] + b"more")
    driver.pull("x")
    assert driver.holds("x", commit, NEEDED)
    assert hub.bytes_sent(WEIGHTS) == 300_000


def test_a_beginning_that_is_all_needs_no_network(hub, driver, model):
    commit = hub.add("x", model())
    start_of(hub, driver, commit, model()[WEIGHTS])
    assert driver.pull("x")["files"][WEIGHTS]["received"] == 0
    assert driver.holds("x", commit, NEEDED)


def test_a_blob_of_the_wrong_size_is_replaced(hub, driver, model):
    commit = hub.add("x", model())
    blobs = driver.folder("x") / "blobs"
    blobs.mkdir(parents=True)
    (blobs / hub.repositories["x"].commits[commit][WEIGHTS].etag).write_bytes(b"cut off")
    driver.pull("x")
    assert driver.holds("x", commit, NEEDED)


def test_a_new_commit_brings_only_what_changed(hub, driver, model):
    hub.add("x", model())
    driver.pull("x")
    hub.requests.clear()
    commit = hub.add("x", model(**{"vocab.json": b'{"b": 0}'}))
    result = driver.pull("x")
    assert result["received"] == len(b'{"b": 0}') and hub.bytes_sent(WEIGHTS) == 0
    assert (driver.folder("x") / "refs" / "main").read_text() == commit
    assert result["folder"].endswith(commit)


def test_ctrl_c_keeps_what_has_arrived(hub, driver, model):
    commit = hub.add("x", model(2_000_000))
    hub.rate = 1_000_000
    process = driver.start("x")
    wait_until(lambda: arrived(driver) > 300_000, process)
    process.send_signal(signal.SIGINT)
    before = time.monotonic()
    with pytest.raises(Failed) as failed:
        result_of(process)
    assert time.monotonic() - before < 5
    assert failed.value.status == 130 and "the same command resumes" in str(failed.value)
    there = arrived(driver)
    assert there > 300_000
    hub.rate = 0
    assert driver.pull("x")["files"][WEIGHTS]["received"] == 2_000_000 - there
    assert driver.holds("x", commit, NEEDED)


@pytest.mark.parametrize("fault", [{"silence": True}, {"status": 429, "headers": {"Retry-After": "300"}}])
def test_ctrl_c_ends_every_wait(hub, driver, model, fault):
    hub.add("x", model())
    hub.misbehave("", "/api/", **fault)
    process = driver.start("x")
    wait_until(lambda: hub.requests, process)
    process.send_signal(signal.SIGINT)
    with pytest.raises(Failed) as failed:
        result_of(process)
    assert failed.value.status == 130


def test_ctrl_c_ends_the_wait_for_another_process(hub, driver, model):
    commit = hub.add("x", model())
    etag = hub.repositories["x"].commits[commit]["config.json"].etag
    lock = driver.cache / ".locks" / "models--x" / (etag + ".lock")
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        process = driver.start("x")
        wait_until(lambda: hub.asked("HEAD", "config.json"), process)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        with pytest.raises(Failed) as failed:
            result_of(process)
        assert failed.value.status == 130


def test_a_lock_that_was_removed_locks_nothing(hub, driver, model):
    """Some tools clear away lock files: then two holders of one name have two files."""
    commit = hub.add("x", model())
    etag = hub.repositories["x"].commits[commit][WEIGHTS].etag
    lock = driver.cache / ".locks" / "models--x" / (etag + ".lock")
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.unlink(lock)
        driver.pull("x")
    assert driver.holds("x", commit, NEEDED)
