"""Errors of a pull: their texts and remedies."""
import json
import resource
import time

import pytest

from conftest import CONFIG
from driver import NEEDED
from fixture_hub import Hub

WEIGHTS = "model.safetensors"
TOKEN = {"HF_TOKEN": "hf_mine"}


def refused(driver, hub, name, *says, env=None, arguments=()):
    text = driver.fails(name, *arguments, env=env, says=says)
    assert "hf_mine" not in text, "a token is a secret"
    assert len(text) < 600 and "\n" not in text
    return text


# The hub's answers


def test_no_such_model(hub, driver):
    host = hub.address.removeprefix("http://")
    refused(driver, hub, "nobody/nothing", f"there is no model 'nobody/nothing' on {host}", "needs a token in $HF_TOKEN")
    refused(driver, hub, "nobody/nothing", "there is no model", "the token of $HF_TOKEN may not see it", env=TOKEN)
    refused(driver, hub, "gtp2", "did you mean 'gpt2'")
    assert not driver.cache.exists()


def test_no_such_revision(hub, driver, model):
    hub.add("x", model())
    refused(driver, hub, "x@v9", "'x' has no revision 'v9'", f"{hub.address}/x/tree/main")


def test_a_private_model(hub, driver, model):
    hub.add("me/secret", model(), tokens={"hf_owner"})
    refused(driver, hub, "me/secret", "or it is private", "$HF_TOKEN")
    refused(driver, hub, "me/secret", "or it is private", "may not see it", env=TOKEN)
    driver.pull("me/secret", env={"HF_TOKEN": "hf_owner"})


def test_a_gated_model(hub, driver, model):
    hub.add("big/llm", model(), tokens={"hf_granted"}, gated=True)
    page = f"{hub.address}/big/llm"
    refused(driver, hub, "big/llm", "'big/llm' is gated", f"accept their terms at {page}", "$HF_TOKEN")
    refused(driver, hub, "big/llm", "the account of $HF_TOKEN has no access yet", page, env=TOKEN)
    driver.pull("big/llm", env={"HF_TOKEN": "hf_granted"})


def test_a_token_that_is_not_valid(hub, driver, model):
    hub.add("x", model())
    refused(driver, hub, "x", "does not accept the token of $HF_TOKEN", "/settings/tokens", env={"HF_TOKEN": "bad"})


def test_a_token_that_is_not_sent_in_the_open(hub, driver, model):
    """The fixture is the proxy of a hub elsewhere, and sees everything that is visible on the way."""
    hub.add("me/secret", model(500), tokens={"hf_mine"})
    env = TOKEN | {"http_proxy": hub.address, "HF_ENDPOINT": "http://hub.invalid"}
    refused(driver, hub, "me/secret", "the token of $HF_TOKEN was not sent", "is not encrypted", env=env)
    assert {request.token for request in hub.requests} == {""}


@pytest.mark.parametrize("message", ["Access to this resource is disabled.", "\x1b[31mred", ""])
def test_a_model_that_is_not_given(hub, driver, model, message):
    hub.add("x", model())
    hub.misbehave("", "/api/", status=403, headers={"X-Error-Message": message})
    text = refused(driver, hub, "x", "the hub does not give 'x' to this account")
    assert message.startswith("Access") == ("disabled" in text) and "\x1b" not in text


def test_a_file_that_the_hub_lists_and_has_not(hub, driver, model):
    hub.add("x", model())
    hub.misbehave("", "/merges.txt", status=404, headers={"X-Error-Code": "EntryNotFound"})
    refused(driver, hub, "x", "'x' has no file 'merges.txt'")


def test_an_unheard_of_status(hub, driver, model):
    hub.add("x", model())
    hub.misbehave("", "/api/", status=418)
    refused(driver, hub, "x", "answers with status 418")


# The repository's content


def test_no_safetensors(hub, driver, model):
    files = model()
    del files[WEIGHTS]
    hub.add("old/one", files)
    refused(driver, hub, "old/one", "has no safetensors, only pickles", "can run code", "safe_serialization=True")
    refused(driver, hub, "old/one", "only pickles", arguments=["--force"])
    hub.add("old/none", {"config.json": files["config.json"]})
    refused(driver, hub, "old/none", "has no safetensors;")
    assert not driver.cache.exists() and not hub.asked("GET", "pytorch_model.bin")


def test_no_model_at_all(hub, driver):
    hub.add("some/readme", {"README.md": b"# nothing"})
    refused(driver, hub, "some/readme", "has no config.json")


def test_an_architecture_that_is_not_implemented(hub, driver, model):
    files = model(**{"config.json": b'{"model_type": "mixtral"}'})
    commit = hub.add("big/mixtral", files)
    refused(driver, hub, "big/mixtral", "'big/mixtral' cannot be run here", "model_type 'mixtral'", "--force downloads it")
    assert not hub.asked("GET", WEIGHTS) and not hub.asked("HEAD", WEIGHTS), "the weights are not touched"
    result = driver.pull("big/mixtral", "--force")
    assert "model_type 'mixtral'" in result["warnings"][0]
    assert driver.holds("big/mixtral", commit, NEEDED)


def test_a_config_that_is_broken(hub, driver, model):
    hub.add("x", model(**{"config.json": json.dumps(CONFIG | {"n_head": 0}).encode()}))
    refused(driver, hub, "x", "n_head is 0")


def test_a_shard_that_is_missing(hub, driver, model):
    files = model(**{WEIGHTS + ".index.json": b'{"weight_map": {"a": "1.safetensors"}}'})
    del files[WEIGHTS]
    hub.add("x", files)
    refused(driver, hub, "x", "'x' lacks '1.safetensors', which its index names")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "README.md", ".x.safetensors", "\x1b[2J.safetensors", "a\n.safetensors"])
def test_a_shard_that_is_none(hub, driver, model, name):
    """No pickle comes by way of an index, and no name that a terminal would obey."""
    index = json.dumps({"weight_map": {"a": name}}).encode()
    files = model(**{WEIGHTS + ".index.json": index, name: b"evil" * 400})
    del files[WEIGHTS]
    hub.add("x", files)
    text = refused(driver, hub, "x", "'x': its index names", "which is not a safetensors file")
    assert "\x1b" not in text
    assert not [request for request in hub.requests if request.file == name]


@pytest.mark.parametrize("index", [b"[]", b"{", b'{"weight_map": {}}', b'{"weight_map": {"a": 3}}'])
def test_an_index_that_is_none(hub, driver, model, index):
    files = model(**{WEIGHTS + ".index.json": index})
    del files[WEIGHTS]
    hub.add("x", files)
    refused(driver, hub, "x", "model.safetensors.index.json")


# The way there


def test_nobody_listens(hub, driver):
    refused(driver, hub, "x", "cannot reach 127.0.0.1:1", "is there a network", env={"HF_ENDPOINT": "http://127.0.0.1:1"})


def test_a_name_that_nobody_knows(hub, driver):
    env = {"HF_ENDPOINT": "http://hub.invalid", "RES_OPTIONS": "timeout:1 attempts:1"}
    refused(driver, hub, "x", "cannot reach hub.invalid: its name is unknown (tried 3 times)", env=env)


def test_a_server_that_speaks_no_https(hub, driver):
    env = {"HF_ENDPOINT": hub.address.replace("http:", "https:")}
    refused(driver, hub, "x", "no secure connection to 127.0.0.1", "tried 3 times", "does that server speak https", env=env)


def test_a_proxy_that_is_not_there(hub, driver):
    env = {"http_proxy": "http://127.0.0.1:1", "HF_ENDPOINT": "http://hub.invalid"}
    refused(driver, hub, "x", "the proxy of $http_proxy cannot be reached", "unset the variable", env=env)
    env = {"HTTPS_PROXY": "http://127.0.0.1:1", "HF_ENDPOINT": "https://hub.invalid"}
    refused(driver, hub, "x", "the proxy of $HTTPS_PROXY cannot be reached", env=env)


def test_a_proxy_that_wants_a_password(hub, driver):
    hub.misbehave("", "", times=99, status=407)
    env = {"http_proxy": hub.address, "HF_ENDPOINT": "http://hub.invalid"}
    refused(driver, hub, "x", "the proxy of $http_proxy requires a name and a password", env=env)


def test_a_proxy_that_does_not_connect(hub, driver):
    env = {"https_proxy": hub.address, "HF_ENDPOINT": "https://hub.invalid"}
    refused(driver, hub, "x", "the proxy of $https_proxy refuses the connection with status 501", env=env)


def test_a_proxy_that_works(hub, driver, model):
    """The fixture answers for every host name."""
    commit = hub.add("x", model(500))
    driver.pull("x", env={"http_proxy": hub.address, "HF_ENDPOINT": "http://hub.invalid"})
    assert driver.holds("x", commit, NEEDED)


@pytest.mark.parametrize("endpoint", ["huggingface.co", "ftp://hub", "http://", "https://u:p@hub", "file:///x"])
def test_an_endpoint_that_is_no_address(hub, driver, endpoint):
    refused(driver, hub, "x", "$HF_ENDPOINT is", "not an http or https address", env={"HF_ENDPOINT": endpoint})


# This machine


def test_not_enough_space_is_known_before_the_weights(hub, driver, model):
    hub.add("x", model())
    refused(driver, hub, "x", "'x' needs 300 kB, and 250 kB are free in", "$HF_HUB_CACHE", arguments=["--free", 250_000])
    assert not hub.asked("GET", WEIGHTS)


def test_sizes_beyond_all_disks(hub, driver, model):
    """Their sum is not a small number."""
    hub.add("x", model())
    for name in (WEIGHTS, "merges.txt"):
        hub.misbehave("HEAD", "/" + name, server="hub", status=200, headers=huge(2**63))
    refused(driver, hub, "x", "'x' needs 18446744 TB")
    assert not hub.asked("GET", WEIGHTS)


def huge(size):
    return {"X-Linked-ETag": '"' + "a" * 64 + '"', "X-Linked-Size": str(size)}


def test_space_that_is_taken_already_is_not_needed_again(hub, driver, model):
    hub.add("x", model())
    hub.misbehave("GET", WEIGHTS, times=99, server="cdn", drop_after=100_000)
    driver.fails("x", "--tries", 1, says="broke")
    driver.fails("x", "--free", 199_000, says="needs 200 kB")
    hub.faults.clear()
    driver.pull("x", "--free", 201_000)
    driver.pull("x", "--free", 0)


def test_a_disk_that_is_full_on_the_way(hub, driver, model):
    commit = hub.add("x", model())
    limit = 123_456
    process = driver.start("x", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "cannot be written: File too large; free some space and run the same command again" in err
    assert max(path.stat().st_size for path in driver.incomplete()) == limit  # a small file may have been on its way
    assert len(hub.asked("GET", WEIGHTS, server="cdn")) == 1, "trying again is of no use"
    assert driver.pull("x")["files"][WEIGHTS]["received"] == 300_000 - limit
    assert driver.holds("x", commit, NEEDED)


def test_a_cache_that_cannot_be(hub, driver, model, tmp_path):
    hub.add("x", model())
    (tmp_path / "file").write_text("")
    refused(driver, hub, "x", "cannot be made", env={"HF_HUB_CACHE": str(tmp_path / "file" / "hub")})


NO_NAMES = ["", "/", "a/b/c", "../x", "/etc", "a b", "x@", "x@../y", "x@a b", "@main", "a--b", "-x", "x\n"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_names_that_cannot_be(hub, driver, name):
    text = driver.fails(name, says="error: pull: ")
    assert "is not a name of a model" in text or "is not a revision" in text
    assert not hub.requests


def test_the_built_in_model_is_here(hub, driver):
    refused(driver, hub, "novella-7m", "is built in, there is nothing to download")


# Offline


@pytest.mark.parametrize("switch", [{"HF_HUB_OFFLINE": "1"}, {"HF_HUB_OFFLINE": "yes"}, {"TRANSFORMERS_OFFLINE": "ON"}])
def test_offline(hub, driver, model, switch):
    refused(driver, hub, "gpt2", "$HF_HUB_OFFLINE is set, and 'gpt2' is not in the cache", "nothing is in it", env=switch)
    commit = hub.add("openai-community/gpt2", model(), alias="gpt2")
    driver.pull("gpt2")
    hub.requests.clear()
    for name in ("gpt2", "openai-community/gpt2", "gpt2@" + commit):
        result = driver.pull(name, env=switch)
        assert result["received"] == 0 and result["commit"] == commit and set(result["files"]) == NEEDED
        assert "was not checked" in result["warnings"][0]
    refused(driver, hub, "gpt22", "did you mean 'gpt2'?", env=switch)
    refused(driver, hub, "something-else", "in it are: openai-community/gpt2 gpt2", env=switch)
    refused(driver, hub, "gpt2@v2", "is not in the cache", env=switch)
    assert not hub.requests


def test_offline_and_not_complete(hub, driver, model):
    hub.add("x", model())
    hub.misbehave("GET", WEIGHTS, times=99, server="cdn", drop_after=100_000)
    driver.fails("x", "--tries", 1, says="broke")
    refused(driver, hub, "x", "without 'tokenizer.json' and 1 more", env={"HF_HUB_OFFLINE": "1"})


def test_offline_means_nothing_when_it_is_off(hub, driver, model):
    hub.add("x", model())
    driver.pull("x", env={"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": ""})


def test_the_answer_comes_soon(driver, tmp_path):
    """The error of a missing network comes within a minute."""
    with Hub() as gone:
        address = gone.address
    before = time.monotonic()
    driver.fails("x", "--delay", 500, env={"HF_ENDPOINT": address}, says="cannot reach")
    assert time.monotonic() - before < 10
