"""Faults of the transfer: the right bytes arrive nevertheless, or an error explains the reason."""
import time

import pytest

from driver import NEEDED

WEIGHTS = "model.safetensors"
GPT2 = "openai-community/gpt2"


@pytest.fixture
def gpt2(hub, driver, model):
    """Pulls it and checks what is in the cache."""
    commit = hub.add(GPT2, model(), alias="gpt2")

    def pull(*arguments):
        result = driver.pull("gpt2", *arguments)
        assert driver.holds(GPT2, commit, NEEDED)
        return result

    pull.size = 300_000
    pull.commit = commit
    return pull


def test_nothing_goes_wrong(hub, driver, gpt2):
    result = gpt2()
    assert result["repository"] == GPT2 and result["commit"] == gpt2.commit and result["revision"] == "main"
    assert result["received"] == result["size"] == sum(file["size"] for file in result["files"].values())
    assert set(result["files"]) == NEEDED
    assert (driver.folder(GPT2) / "refs" / "main").read_text() == gpt2.commit
    assert not [request for request in hub.requests if "pickle" in request.path or request.file.endswith(".bin")]
    hub.requests.clear()
    assert gpt2()["received"] == 0
    assert {request.path.split("/")[1] for request in hub.requests} == {"api"}, "nothing is asked about what is there"


@pytest.mark.parametrize("server", ["hub", "cdn"])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_connection_that_breaks_before_the_answer(hub, gpt2, server, method):
    hub.misbehave(method, WEIGHTS, times=3, server=server, hang_up=True)
    gpt2()


def test_connections_that_break_anywhere(hub, gpt2, chance):
    """Every attempt makes some progress, so that none of them is the last."""
    for _ in range(20):
        hub.misbehave("GET", WEIGHTS, server="cdn", drop_after=chance.randrange(1, 15_000))
    result = gpt2()
    parts = hub.asked("GET", WEIGHTS, server="cdn")
    assert len(parts) == 21
    assert sum(part.sent for part in parts) == gpt2.size, "no byte is sent twice"
    assert result["received"] == result["size"]


def test_a_connection_that_breaks_at_the_last_byte_or_before_the_first(hub, gpt2):
    for sent in (0, gpt2.size - 1, 0):
        hub.misbehave("GET", WEIGHTS, server="cdn", drop_after=sent)
    gpt2()
    assert hub.bytes_sent(WEIGHTS) == gpt2.size


def test_a_connection_that_is_reset(hub, gpt2):
    """The bytes in transit are lost with it."""
    hub.misbehave("GET", WEIGHTS, server="cdn", drop_after=100_000, reset=True)
    gpt2()
    first, second = hub.asked("GET", WEIGHTS, server="cdn")
    assert second.first_byte <= first.sent and second.first_byte + second.sent == gpt2.size


def test_breaking_for_ever_ends(hub, driver, gpt2):
    hub.misbehave("GET", WEIGHTS, times=99, server="cdn", drop_after=0)
    driver.fails("gpt2", "--tries", 4, says=["the connection to", "broke", "tried 4 times", "the same command resumes"])
    assert len(hub.asked("GET", WEIGHTS, server="cdn")) == 4


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
@pytest.mark.parametrize("part", ["/api/", "config.json", WEIGHTS])
def test_a_server_that_fails_twice(hub, gpt2, status, part):
    hub.misbehave("", part, times=2, status=status)
    gpt2()


def test_a_server_that_fails_for_ever(hub, driver, gpt2):
    hub.misbehave("", "/api/", times=99, status=500)
    driver.fails("gpt2", "--tries", 3, says=["answers with status 500", "tried 3 times"])
    assert not driver.cache.exists()


@pytest.mark.parametrize("headers", [{"Retry-After": "1"}, {"RateLimit": '"resolvers";r=0;t=1'}])
def test_too_many_requests_are_waited_for(hub, gpt2, headers):
    hub.misbehave("HEAD", "config.json", status=429, headers=headers)
    before = time.monotonic()
    gpt2()
    assert time.monotonic() - before >= 1


def test_a_wait_without_end_is_told_and_not_waited_for(hub, driver, gpt2):
    hub.misbehave("", "/api/", status=429, headers={"Retry-After": "3600"})
    driver.fails("gpt2", says=["too many requests", "asks to wait 3600 s", "HF_TOKEN"])
    assert len(hub.requests) == 1


@pytest.mark.parametrize("after", [0, 100_000])
def test_a_server_that_falls_silent(hub, gpt2, after):
    hub.misbehave("GET", WEIGHTS, server="cdn", stall_after=after)
    gpt2("--stall", 300)
    assert hub.bytes_sent(WEIGHTS) == gpt2.size


def test_a_server_that_never_answers(hub, driver, gpt2):
    hub.misbehave("", "/api/", times=9, silence=True)
    driver.fails("gpt2", "--stall", 100, "--tries", 2, says="has stopped sending")


def test_a_slow_drip_is_left_for_a_better_connection(hub, gpt2):
    hub.misbehave("GET", WEIGHTS, server="cdn", rate=100)
    gpt2("--stall", 300)
    slow, rest = hub.asked("GET", WEIGHTS, server="cdn")
    assert 0 < rest.first_byte <= slow.sent < 1000 and rest.first_byte + rest.sent == gpt2.size


def test_wrong_bytes_are_removed(hub, driver, gpt2, model):
    wrong = model(seed=2)[WEIGHTS]
    hub.misbehave("GET", WEIGHTS, times=9, server="cdn", body=wrong)
    driver.fails("gpt2", says=["arrived with the sha256", "but the hub says", "it was removed"])
    blobs = [path for path in (driver.folder(GPT2) / "blobs").iterdir() if path.stat().st_size > 1000]
    assert not blobs
    assert not (driver.folder(GPT2) / "refs" / "main").exists()
    hub.faults.clear()
    gpt2()


def test_wrong_bytes_of_a_small_file(hub, driver, gpt2):
    hub.misbehave("GET", "/vocab.json", times=9, body=b'{"b": 0}')
    driver.fails("gpt2", says=["'vocab.json' arrived with the git's sha1", "it was removed"])


def test_a_file_of_another_size_than_announced(hub, driver, gpt2):
    hub.misbehave("GET", WEIGHTS, times=99, server="cdn", body=b"x" * 2000)
    driver.fails("gpt2", says=["has 2000 bytes on the server, but the hub announced 300000", "tried 3 times"])


def test_more_bytes_than_announced(hub, driver, gpt2, model):
    """From a server that does not say how many."""
    longer = {"Content-Length": None, "Connection": "close"}
    hub.misbehave("GET", WEIGHTS, server="cdn", body=model()[WEIGHTS] + b"more", headers=longer)
    driver.fails("gpt2", says="the server sends more of 'model.safetensors' than the 300000 bytes")
    assert max(path.stat().st_size for path in driver.incomplete()) <= gpt2.size


def test_an_answer_that_ends_early_goes_on(hub, gpt2):
    """Fewer bytes than Content-Length announces, or no Content-Length."""
    hub.misbehave("GET", WEIGHTS, server="cdn", drop_after=1000)
    hub.misbehave("GET", WEIGHTS, server="cdn", headers={"Connection": "close"}, drop_after=1000)
    gpt2()
    assert hub.bytes_sent(WEIGHTS) == gpt2.size


def test_a_server_that_knows_no_ranges(hub, gpt2):
    hub.misbehave("GET", WEIGHTS, server="cdn", drop_after=100_000)
    hub.misbehave("GET", WEIGHTS, server="cdn", no_ranges=True)
    gpt2()
    assert hub.bytes_sent(WEIGHTS) == gpt2.size + 100_000


def test_a_server_that_knows_no_ranges_and_always_breaks_ends(hub, driver, gpt2):
    hub.misbehave("GET", WEIGHTS, times=99, server="cdn", no_ranges=True, drop_after=100_000)
    driver.fails("gpt2", "--tries", 3, says="tried 3 times")


def test_a_server_that_sends_another_range(hub, gpt2):
    hub.misbehave("GET", WEIGHTS, server="cdn", drop_after=100_000)
    hub.misbehave("GET", WEIGHTS, server="cdn", wrong_range=True)
    gpt2()


def test_addresses_that_have_ended_are_made_anew(hub, gpt2):
    hub.misbehave("GET", WEIGHTS, server="cdn", drop_after=100_000)
    hub.misbehave("GET", WEIGHTS, server="cdn", status=403, body=b"Request has expired")
    gpt2()
    addresses = [request.path for request in hub.asked("GET", WEIGHTS, server="cdn")]
    assert len(set(addresses)) == len(addresses) == 3


GARBAGE = [b"what?\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", b"\0" * 3000, b"HTTP/1.1 999999 X\r\n\r\n"]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_an_answer_that_is_no_http(hub, driver, gpt2, garbage):
    hub.misbehave("", "/api/", garbage=garbage)
    hub.misbehave("GET", WEIGHTS, times=2, garbage=garbage)
    gpt2()
    hub.add(GPT2, {})
    hub.misbehave("", "/api/", times=9, garbage=garbage)
    driver.fails("gpt2", says=["invalid HTTP", "tried 3 times", "a machine on the way to the hub"])


def test_headers_without_end(hub, driver, gpt2):
    hub.misbehave("", "/api/", endless_headers=True)
    driver.fails("gpt2", says="headers without end")
    hub.misbehave("", "/api/", status=200, headers={"X-Long": "x" * 200_000})
    driver.fails("gpt2", says="headers without end")


@pytest.mark.parametrize("part", ["/api/", WEIGHTS])
def test_redirects_without_end(hub, driver, gpt2, part):
    hub.misbehave("", part, times=99, redirect="/api/models/gpt2/revision/main" if part == "/api/" else "?" + WEIGHTS)
    driver.fails("gpt2", says="redirects without end")
    assert len(hub.requests) < 30


def test_an_answer_that_is_no_description(hub, driver, gpt2):
    for answer in (b"<html>log in first</html>", b"[]", b'{"siblings": 3}', b""):
        hub.misbehave("GET", "revision", status=200, body=answer)
        driver.fails("gpt2", says=["is it a Hugging Face hub"])
    assert not driver.cache.exists()


def test_an_answer_without_end(hub, driver, gpt2):
    hub.misbehave("GET", "revision", status=200, body=b" " * (33 << 20))
    driver.fails("gpt2", says="an answer without end")


def test_the_files_that_come_at_once(hub, driver, model, chance):
    """Shards by their index, many at a time, each with its own faults."""
    shards = {f"model-{i:05}-of-00012.safetensors": chance.randbytes(50_000 + i) for i in range(12)}
    index = ('{"weight_map": {' + ", ".join(f'"t{i}": "{name}"' for i, name in enumerate(shards)) + "}}").encode()
    files = model(**shards, **{WEIGHTS + ".index.json": index})
    del files[WEIGHTS]
    commit = hub.add("big/one", files)
    for name in shards:
        hub.misbehave("GET", name, server="cdn", drop_after=chance.randrange(50_000))
    driver.pull("big/one", "--files-at-once", 5)
    assert driver.holds("big/one", commit, (NEEDED | set(shards) | {WEIGHTS + ".index.json"}) - {WEIGHTS})
    for name, data in shards.items():
        assert hub.bytes_sent(name) == len(data)


def test_notes_say_what_is_waited_for(hub, driver, gpt2):
    hub.misbehave("GET", WEIGHTS, server="cdn", status=503, headers={"Retry-After": "1"})
    process = driver.start("gpt2", "--show")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"{WEIGHTS} 0/300000 the hub asks to wait 1 s" in err
    assert f"{WEIGHTS} 300000/300000" in err
