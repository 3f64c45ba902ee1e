"""Attacks by a hub or on the way: no file is written outside of the cache, and no token goes to another host."""
import os
import socket

import pytest

from driver import NEEDED, Driver
from fixture_hub import Hub, sha256

WEIGHTS = "model.safetensors"


def everything_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture
def outside(tmp_path, driver):
    """Checks that nothing appeared outside of the cache."""
    before = everything_in(tmp_path)
    yield
    cache = driver.cache.name
    assert {path for path in everything_in(tmp_path) if path.split("/")[0] != cache} == before


HOSTILE = ["../../x", "..", ".", "/etc/x", "a/../../x", "a/b/c", "a\\b", "x\n", "a--b", "", "x/", "%2e%2e/x", "ä"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_repositories(hub, driver, model, outside, name):
    hub.add("x", model())
    hub.misbehave("GET", "/api/", json={"id": name})
    driver.fails("x", says="calls the model")
    assert not driver.cache.exists()


@pytest.mark.parametrize("commit", ["../../x", "main", "", "A" * 40, "a" * 39, "a" * 40 + "/../x", None, 7])
def test_hostile_commits(hub, driver, model, outside, commit):
    hub.add("x", model())
    hub.misbehave("GET", "/api/", json={"sha": commit})
    driver.fails("x", says="names the commit")
    assert not driver.cache.exists()


def test_hostile_names_of_files_are_names_that_nobody_asks_for(hub, driver, model, outside):
    hostile = ["../config.json", "/etc/passwd", "..\\x", "a/../../config.json", "config.json/../../x", "\x00", "x" * 5000]
    commit = hub.add("x", model(**{name: b"evil" * 400 for name in hostile}))
    driver.pull("x")
    assert driver.holds("x", commit, NEEDED)
    assert {request.file for request in hub.requests} <= NEEDED | {"main"}


@pytest.mark.parametrize("name", ["../x.safetensors", "/tmp/x.safetensors", "..", "a/b.safetensors", "", "a\\u0000b"])
def test_hostile_names_of_shards(hub, driver, model, outside, name):
    index = WEIGHTS + ".index.json"
    hub.add("x", {**model(**{index: b'{"weight_map": {"t": "%s"}}' % name.encode(), name: b"evil" * 400}), WEIGHTS: b""})
    del hub.repositories["x"].commits[hub.repositories["x"].revisions["main"]][WEIGHTS]
    driver.fails("x", says="is not a name in this folder")


@pytest.mark.parametrize("etag", ["../../../x", '"../../../x"', "", "abc", "g" * 64, "A" * 64, "a" * 63, "a" * 64 + "/x"])
def test_hostile_etags(hub, driver, model, outside, etag):
    hub.add("x", model())
    hub.misbehave("HEAD", WEIGHTS, times=9, server="hub", headers={"X-Linked-ETag": etag})
    # An empty one leaves the ETag of the other server, which is another hash.
    driver.fails("x", says="but the hub says" if etag == "" else "is not a hash")
    assert not list(driver.cache.rglob("x"))


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1", "http://", "http://u:p@h/"])
def test_redirects_to_what_is_no_web_server(hub, driver, model, location):
    hub.add("x", model())
    hub.misbehave("GET", "/api/", redirect=location)
    driver.fails("x", says="which is not an http or https address")


def test_links_in_the_cache_are_not_written_through(hub, driver, model, tmp_path):
    commit = hub.add("x", model())
    blobs = driver.folder("x") / "blobs"
    blobs.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    etag = hub.repositories["x"].commits[commit][WEIGHTS].etag
    os.symlink(victim, blobs / (etag + ".incomplete"))
    driver.fails("x", says="cannot be opened")
    assert victim.read_bytes() == b"precious"


# Tokens


@pytest.mark.parametrize("part", ["", "blobs", "snapshots", "refs", "snapshots/COMMIT"])
def test_folders_of_the_cache_that_are_links(hub, driver, model, tmp_path, part):
    commit = hub.add("x", model())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = driver.folder("x") / part.replace("COMMIT", commit) if part else driver.folder("x")
    place.parent.mkdir(parents=True)
    os.symlink(elsewhere, place)
    driver.fails("x", says="is a link, and links are not followed here")
    assert not list(elsewhere.iterdir())


def test_locks_that_are_links(hub, driver, model, tmp_path):
    hub.add("x", model())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    driver.cache.mkdir()
    os.symlink(elsewhere, driver.cache / ".locks")
    driver.fails("x", says=".locks: is a link, and links are not followed here")
    assert not list(elsewhere.iterdir())


def test_a_cache_that_is_a_link_is_a_cache(hub, driver, model, tmp_path):
    commit = hub.add("x", model())
    (tmp_path / "disk").mkdir()
    os.symlink(tmp_path / "disk", driver.cache)
    driver.pull("x")
    assert driver.holds("x", commit, NEEDED)


def test_a_beginning_with_a_second_name_is_not_written_to(hub, driver, model, tmp_path):
    commit = hub.add("x", model())
    blobs = driver.folder("x") / "blobs"
    blobs.mkdir(parents=True)
    for name in ("precious", "long"):
        (tmp_path / name).write_bytes(b"precious" * (1 if name == "precious" else 100000))
    etags = {name: hub.repositories["x"].commits[commit][name].etag for name in (WEIGHTS, "config.json")}
    os.link(tmp_path / "precious", blobs / (etags[WEIGHTS] + ".incomplete"))
    os.link(tmp_path / "long", blobs / (etags["config.json"] + ".incomplete"))
    driver.pull("x")
    assert driver.holds("x", commit, NEEDED)
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert (tmp_path / "long").stat().st_size == 800000


def test_the_token_goes_to_the_hub_alone(hub, driver, model):
    hub.add("openai-community/gpt2", model(), alias="gpt2", tokens={"hf_secret"})
    driver.pull("gpt2", env={"HF_TOKEN": "hf_secret\n"})
    tokens = {server: {r.token for r in hub.requests if r.server == server} for server in ("hub", "cdn")}
    assert tokens == {"hub": {"hf_secret"}, "cdn": {""}}


def test_a_hub_that_redirects_to_another_gives_it_no_token(driver, model, tmp_path):
    """Both on this machine, on different ports: another port is another server."""
    with Hub() as other, Hub() as first:
        other.add("x", model())
        first.misbehave("", "", times=99, redirect=other.address + "/api/models/x/revision/main")
        mirrored = Driver(tmp_path / "home", first)
        process = mirrored.start("x", env={"HF_TOKEN": "hf_secret"})
        process.communicate(timeout=60)
        assert {request.token for request in first.requests} == {"hf_secret"}
        assert other.requests and {request.token for request in other.requests} == {""}


@pytest.mark.parametrize("variable", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "XDG_CACHE_HOME", ""])
def test_where_the_token_is_found(hub, driver, model, variable):
    hub.add("x", model(), tokens={"hf_secret"})
    home = driver.home
    folders = {"HF_HOME": home / "hf", "XDG_CACHE_HOME": home / "xdg", "": home, "HF_TOKEN_PATH": home / "t"}
    inside = {"XDG_CACHE_HOME": "huggingface", "": ".cache/huggingface"}
    value = "hf_secret"
    if variable in folders:
        value = folders[variable]
        file = value / inside.get(variable, "") / "token"
        file.parent.mkdir(parents=True)
        file.write_text("hf_secret\n")
        if variable == "HF_TOKEN_PATH":
            value = file
    env = {variable: str(value)} if variable else {}
    driver.pull("x", env=env)
    if "TOKEN" not in variable or variable == "HF_TOKEN_PATH":
        driver.fails("y", env=env | {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, says="a private one needs a token")


@pytest.mark.parametrize("token", ["hf x", "hf\nX-Evil: 1", "hf\tx", "hfä"])
def test_a_token_that_is_none(hub, driver, model, token):
    hub.add("x", model())
    driver.fails("x", env={"HF_TOKEN": token}, says=["the token of $HF_TOKEN", "character"])
    assert not hub.requests


# Certificates


@pytest.fixture
def secure_hub(certificates):
    with Hub(tls=certificates[1]) as hub:
        yield hub


def test_a_server_that_nobody_vouches_for(secure_hub, model, tmp_path):
    secure_hub.add("x", model())
    driver = Driver(tmp_path, secure_hub)
    driver.fails("x", env={"HF_TOKEN": "hf_secret"}, says=["cannot prove its identity", "$SSL_CERT_FILE"])
    assert not secure_hub.requests, "not even a request, nor a token, reaches it"


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_of_the_users_own(secure_hub, model, tmp_path, certificates, variable):
    commit = secure_hub.add("x", model(), tokens={"hf_secret"})
    driver = Driver(tmp_path, secure_hub)
    secure_hub.misbehave("GET", WEIGHTS, server="cdn", drop_after=100_000)
    driver.pull("x", env={variable: str(certificates[0]), "HF_TOKEN": "hf_secret"})
    assert driver.holds("x", commit, NEEDED)
    assert {request.token for request in secure_hub.requests if request.server == "cdn"} == {""}


def test_a_certificate_for_another_name(secure_hub, model, tmp_path, certificates):
    secure_hub.add("x", model())
    driver = Driver(tmp_path, secure_hub)
    env = {"SSL_CERT_FILE": str(certificates[0]), "HF_ENDPOINT": secure_hub.address.replace("127.0.0.1", "localhost")}
    driver.fails("x", env=env, says="cannot prove its identity")
    assert not secure_hub.requests


def test_certificates_that_cannot_be_read(secure_hub, tmp_path):
    driver = Driver(tmp_path, secure_hub)
    driver.fails("x", env={"SSL_CERT_FILE": "/no/such/file"}, says="certificate")


def test_no_way_back_from_https_to_http(secure_hub, hub, model, tmp_path, certificates):
    """To another machine, over a connection that others can read; no request is sent there."""
    secure_hub.add("x", model())
    secure_hub.misbehave("GET", "/api/", redirect="http://192.0.2.1/api/models/x/revision/main")
    driver = Driver(tmp_path, secure_hub)
    driver.fails("x", env={"SSL_CERT_FILE": str(certificates[0])}, says="which is not encrypted")


def test_a_port_that_speaks_something_else(driver):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = f"https://127.0.0.1:{server.getsockname()[1]}"
        process = driver.start("x", "--tries", 2, "--connect", 300, env={"HF_ENDPOINT": address})
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1 and "does not answer" in err


def test_the_hash_is_that_of_the_hub_and_not_of_the_other_server(hub, driver, model):
    files = model()
    commit = hub.add("x", files)
    driver.pull("x")
    assert (driver.folder("x") / "blobs" / sha256(files[WEIGHTS])).exists()
    assert driver.holds("x", commit, NEEDED)
