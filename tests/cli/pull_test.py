"""`pull`, and `--pull` of every command: from the hub to figures. How transfers go wrong is tests/hub/download's part."""
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios

import pytest

from fixture_hub import Hub, sha256
from program import ROOT, interrupt, wait_until

GPT2 = "openai-community/gpt2"


@pytest.fixture
def hub():
    with Hub() as hub:
        yield hub


@pytest.fixture
def files(tiny_model):
    """The tiny model's files, as a repository has them."""
    return {path.name: path.read_bytes() for path in tiny_model.iterdir()} | {"pytorch_model.bin": b"a pickle" * 1000}


@pytest.fixture
def env(hub, tmp_path):
    return {"HF_ENDPOINT": hub.address, "HF_HUB_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def gpt2(hub, files):
    return hub.add(GPT2, files, alias="gpt2")


def test_pull_then_use(stratoscope, env, gpt2, tiny_model):
    result = stratoscope.succeeds("pull", "gpt2", env=env)
    assert result.err == "", "no bars without a terminal"
    assert re.search(rf"{GPT2} at main \({gpt2[:12]}\): \d+ files, [\d.]+ [kM]B, downloaded", result.lines[0])
    folder = result.lines[1].strip()
    assert folder.endswith(f"cache/models--openai-community--gpt2/snapshots/{gpt2}")
    assert result.lines[2] == "try it: stratoscope demo --model gpt2"
    for name in ("gpt2", GPT2, f"gpt2@{gpt2[:8]}"):
        there = stratoscope.json("predict", "abcd", "--model", name, env=env)
        assert there["predictions"] == stratoscope.json("predict", "abcd", "--model", tiny_model)["predictions"]
    assert "all present already" in stratoscope.prints("pull", "gpt2", env=env)


def test_pull_as_json(stratoscope, hub, env, gpt2, files):
    document = stratoscope.json("pull", "gpt2", env=env)
    assert document["model"]["name"] == GPT2 and len(document["model"]["hash"]) == 16
    assert document["revision"] == "main" and document["commit"] == gpt2 and document["runs"] is True
    assert document["bytes"] == document["downloaded"] == sum(file["bytes"] for file in document["files"])
    assert {file["name"] for file in document["files"]} == set(files) - {"pytorch_model.bin"}
    again = stratoscope.json("pull", "gpt2", env=env | {"HF_HUB_OFFLINE": "1"})
    assert again["downloaded"] == 0 and again["bytes"] == document["bytes"] and again["model"] == document["model"]


def test_every_command_says_how_to_get_a_model(stratoscope, env):
    for command in (["predict", "a"], ["demo"], ["info"], ["tokens", "a"], ["verify", "a"]):
        says = ["'gpt2-xl' is neither", "'stratoscope pull gpt2-xl' gets it (6.43 GB), and so does --pull here"]
        stratoscope.fails(*command, "--model", "gpt2-xl", env=env, says=says)
    stratoscope.fails("info", "--model", "someone/else", env=env, says="if the Hugging Face hub has it")


def test_pull_on_demand(stratoscope, hub, env, gpt2):
    document = stratoscope.json("predict", "abcd", "--model", "gpt2", "--pull", env=env)
    assert document["model"]["name"] == GPT2
    hub.requests.clear()
    stratoscope.json("predict", "abcd", "--model", "gpt2", "--pull", env=env)
    assert not hub.requests, "nobody is asked for what is here"
    stratoscope.json("predict", "abcd", "--pull", env=env)
    assert not hub.requests, "the built-in model is here"


def test_pull_on_demand_completes_what_was_begun(stratoscope, hub, env, gpt2):
    hub.misbehave("GET", "model.safetensors", server="cdn", status=410)
    stratoscope.fails("pull", "gpt2", env=env, says="answers with status 410")
    stratoscope.fails("info", "--model", "gpt2", env=env, says="'stratoscope pull gpt2' gets the missing files")
    stratoscope.json("info", "--model", "gpt2", "--pull", env=env)


def test_pull_on_demand_of_what_is_no_name(stratoscope, hub, env):
    for name in ("./here", "/no/such/folder", "a/b/c"):
        stratoscope.fails("info", "--model", name, "--pull", env=env, says="is neither a folder")
    (stratoscope.folder / "x" / "gpt2").mkdir(parents=True)
    stratoscope.fails("info", "--model", "x/gpt2", "--pull", env=env, says="is a folder without config.json")
    assert not hub.requests, "nothing is downloaded that would not be found"
    stratoscope.fails("info", "--model", "nobody/nothing", "--pull", env=env, says="there is no model 'nobody/nothing'")


def test_a_folder_without_a_model_hides_none(stratoscope, hub, env, gpt2):
    (stratoscope.folder / "gpt2").mkdir()
    (stratoscope.folder / "gpt2" / "notes.txt").write_text("notes")
    says = ["is a folder without config.json", "'stratoscope pull gpt2' gets it"]
    stratoscope.fails("info", "--model", "gpt2", env=env, says=says)
    assert stratoscope.json("info", "--model", "gpt2", "--pull", env=env)["model"]["name"] == GPT2
    assert stratoscope.json("info", "--model", "gpt2", env=env)["model"]["name"] == GPT2
    for path in ("./gpt2", "gpt2/"):
        hub.requests.clear()
        for pull in ([], ["--pull"]):
            stratoscope.fails("info", "--model", path, *pull, env=env, says="is a folder without config.json")
        assert not hub.requests


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--nonsense", "a"], ["a", "--model", "b"]])
def test_what_the_parser_refuses(stratoscope, arguments):
    stratoscope.fails("pull", *arguments, status=2, says="stratoscope --help")


def test_a_model_that_cannot_be_run(stratoscope, hub, env, files):
    hub.add("big/mixtral", files | {"config.json": b'{"model_type": "mixtral"}'})
    stratoscope.fails("pull", "big/mixtral", env=env, says=["mixture of experts is not implemented", "--force"])
    result = stratoscope.succeeds("pull", "big/mixtral", "--force", "--json", env=env)
    assert len(result.warnings) == 1 and "cannot be run here" in result.warnings[0]
    document = json.loads(result.out)
    assert document["runs"] is False and document["model"] == {"hash": None, "name": "big/mixtral"}


def test_weights_that_do_not_fit_the_config(stratoscope, hub, env, files):
    config = json.loads(files["config.json"]) | {"n_layer": 9}
    hub.add("x/odd", files | {"config.json": json.dumps(config).encode()})
    for _ in range(2):
        says = ["'x/odd' is the same as on the hub, but cannot be run", "'h.2.ln_1.weight' is missing", "--force"]
        result = stratoscope.fails("pull", "x/odd", env=env, says=says)
        assert "stratoscope pull" not in result.error, "which has just been tried"
    result = stratoscope.succeeds("pull", "x/odd", "--force", env=env)
    assert len(result.warnings) == 1 and "'h.2.ln_1.weight' is missing" in result.warnings[0]
    assert "try it" not in result.out


# A cache that is damaged


def zeros(data):
    return b"\0" * len(data)


DAMAGE = {
    "cut": lambda data: data[: len(data) // 2],
    "long": lambda data: data + b"}",
    "empty": lambda data: b"",
    "git-lfs pointer": lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64,
    "page": lambda data: b"<!DOCTYPE html><html>Log in first</html>",
    "zeros": zeros,
}
PARTS = ["config.json", "vocab.json", "model.safetensors.index.json", "1.safetensors"]
DAMAGED = [("model.safetensors", damage) for damage in DAMAGE] + [(part, d) for part in PARTS for d in ("cut", "zeros")]


@pytest.fixture
def damaged(stratoscope, hub, env, files, tmp_path):
    """A pulled model with a damaged file: damaged("vocab.json", zeros)."""

    def make(name, damage):
        weights = files.pop("model.safetensors") if name not in files else None
        if weights:
            index = {"weight_map": {"wte.weight": "1.safetensors"}}
            files.update({"1.safetensors": weights, "model.safetensors.index.json": json.dumps(index).encode()})
        commit = hub.add(GPT2, files, alias="gpt2")
        stratoscope.json("pull", "gpt2", env=env)
        link = tmp_path / "cache" / "models--openai-community--gpt2" / "snapshots" / commit / name
        blob = link.parent / os.readlink(link)
        blob.write_bytes(damage(blob.read_bytes()))
        hub.requests.clear()
        return link

    return make


@pytest.mark.parametrize("name, damage", DAMAGED)
def test_a_damaged_file(stratoscope, hub, env, damaged, damage, name):
    """Every command names the remedy, and the remedy works."""
    link = damaged(name, DAMAGE[damage])
    changed = link.read_bytes()
    remedy = "'stratoscope pull gpt2' downloads damaged files again"
    for command in (["info"], ["predict", "ab"]):
        stratoscope.fails(*command, "--model", "gpt2", env=env, says=remedy)
    stratoscope.fails("info", "--model", link.parent, env=env, says="'stratoscope pull openai-community/gpt2'")
    (model,) = [m for m in json.loads(stratoscope.prints("models", "--json", env=env))["models"] if not m["built_in"]]
    assert not model["runs"] and "'stratoscope pull openai-community/gpt2' downloads damaged files again" in model["problem"]
    offline = env | {"HF_HUB_OFFLINE": "1"}
    refused = stratoscope.fails("pull", "gpt2", env=offline, says=["$HF_HUB_OFFLINE is set", "'stratoscope pull"])
    assert "already" not in refused.out
    stratoscope.fails("pull", "gpt2", env=env | {"HF_ENDPOINT": "http://127.0.0.1:9"}, says="127.0.0.1:9")
    assert link.read_bytes() == changed and not hub.requests
    printed = stratoscope.prints("pull", "gpt2", env=env)
    assert "of them downloaded" in printed and "try it" in printed
    assert {r.file for r in hub.requests if r.method == "GET"} == {"main", name}, "what is right is kept"
    stratoscope.json("predict", "ab", "--model", "gpt2", env=env)
    assert "all present already" in stratoscope.prints("pull", "gpt2", env=env)


@pytest.mark.parametrize("name", PARTS)
def test_pull_on_demand_mends(stratoscope, hub, env, damaged, name):
    link = damaged(name, DAMAGE["zeros"])
    for model in ("gpt2", link.parent):
        stratoscope.json("predict", "ab", "--model", model, "--pull", env=env)
        (link.parent / os.readlink(link)).write_bytes(b"")


def test_pull_on_demand_leaves_folders_of_the_user_alone(stratoscope, hub, env, forged):
    forged.write("model.safetensors", "")
    for model in (forged, "./" + os.path.relpath(forged.folder, stratoscope.folder)):
        result = stratoscope.fails("info", "--model", model, "--pull", env=env, says="model.safetensors")
        assert "stratoscope pull" not in result.error
    assert not hub.requests


def test_a_model_of_another_kind_is_not_damaged(stratoscope, hub, env, files):
    hub.add("big/mixtral", files | {"config.json": b'{"model_type": "mixtral"}'})
    stratoscope.succeeds("pull", "big/mixtral", "--force", env=env)
    for command in (["info", "--model", "big/mixtral"], ["info", "--model", "big/mixtral", "--pull"]):
        hub.requests.clear()
        result = stratoscope.fails(*command, env=env, says="mixture of experts is not implemented")
        assert "stratoscope pull" not in result.error and not hub.requests
    for offline in ({}, {"HF_HUB_OFFLINE": "1"}):
        stratoscope.fails("pull", "big/mixtral", env=env | offline, says="mixture of experts is not implemented")
        document = json.loads(stratoscope.succeeds("pull", "big/mixtral", "--force", "--json", env=env | offline).out)
        assert document["runs"] is False and document["downloaded"] == 0


CACHES = {"HF_HUB_CACHE": "", "HUGGINGFACE_HUB_CACHE": "", "HF_HOME": "hub", "XDG_CACHE_HOME": "huggingface/hub"}


@pytest.mark.parametrize("variable, inside", CACHES.items())
@pytest.mark.parametrize("value", ["$HOME/hf", "${HOME}/hf", "~/hf", "$PLACE"])
def test_variables_in_the_caches_place(stratoscope, hub, env, gpt2, tmp_path, variable, inside, value):
    home = tmp_path / "user"
    here = {"HF_ENDPOINT": env["HF_ENDPOINT"], "HOME": str(home), variable: value, "PLACE": str(home / "hf")}
    stratoscope.succeeds("pull", "gpt2", env=here)
    assert (home / "hf" / inside / "models--openai-community--gpt2").is_dir()
    assert not list(stratoscope.folder.iterdir())
    stratoscope.json("info", "--model", "gpt2", env=here)


def test_variables_in_the_tokens_place(stratoscope, hub, env, files, tmp_path):
    hub.add("x", files, tokens={"hf_secret"})
    (tmp_path / "secret").write_text("hf_secret")
    for value in ("$HOME/secret", "${HOME}/secret", "~/secret"):
        hub.requests.clear()
        stratoscope.succeeds("pull", "x", env=env | {"HOME": str(tmp_path), "HF_TOKEN_PATH": value})
        assert {request.token for request in hub.requests if request.server == "hub"} == {"hf_secret"}


def test_ctrl_c_says_how_to_go_on(stratoscope, hub, env, files, tmp_path):
    weights = os.urandom(2_000_000)
    hub.add("x", files | {"model.safetensors": weights})
    hub.rate = 500_000
    process = stratoscope.start("pull", "x", env=env)
    begun = tmp_path / "cache" / "models--x" / "blobs" / (sha256(weights) + ".incomplete")
    wait_until(lambda: begun.exists() and begun.stat().st_size > 100_000, process)
    result = interrupt(process)
    assert result.status == 130
    assert result.error == (
        "interrupted: stopped before the end; the received bytes are kept: the same command resumes"
    )


def on_terminal(stratoscope, *arguments, env, columns=100):
    """The program's drawing on its own terminal before its first message, and its result and status."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = stratoscope.start(*arguments, env=env, stderr=slave)
    os.close(slave)
    drawn = b""
    while select.select([master], [], [], 60)[0]:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        drawn += piece
    out, _ = process.communicate(timeout=60)
    os.close(master)
    bars, _, _ = drawn.decode().partition("stratoscope: warning: ")  # random bytes are no weights
    return bars, out.decode(), process.returncode


def test_bars_on_a_terminal(stratoscope, hub, env, files):
    """One line per file, redrawn in place, and removed at the end."""
    shards = {f"model-{i}.safetensors": os.urandom(1_200_000 * i) for i in (1, 2)}
    index = {"weight_map": {name: name for name in shards}}
    del files["model.safetensors"]
    hub.add("x", files | shards | {"model.safetensors.index.json": json.dumps(index).encode()})
    hub.rate = 1_200_000
    drawn, out, status = on_terminal(stratoscope, "pull", "x", "--force", env=env, columns=100)
    assert status == 0 and "x at main" in out
    pictures = [picture for picture in re.split(r"\x1b\[\d+A\r\x1b\[J", drawn) if picture]
    assert len(pictures) > 5
    both = [picture for picture in pictures if "model-1" in picture and "model-2" in picture]
    assert both and all(len(picture.splitlines()) == 3 for picture in both)
    lines = both[-1].splitlines()
    assert re.fullmatch(r"\d files complete", lines[0])
    rate = r"[\d.]+ [kM]B/s  \d+ s left"
    pattern = rf"model-\d\.safetensors  \[#*\.*\] +[\d.]+ k?M?B of (1\.20|2\.40) MB  ({rate}|writing it to the disk)"
    assert all(re.fullmatch(pattern, line.rstrip()) for line in lines[1:]), lines
    assert any(re.search(rate, picture) for picture in both)
    assert all(len(line) < 100 for line in drawn.splitlines())
    assert drawn.rstrip().endswith("\x1b[J"), "nothing is left of them"


def test_bars_on_a_narrow_terminal(stratoscope, hub, env, files):
    hub.add("x", files | {"model.safetensors": os.urandom(900_000)})
    hub.rate = 800_000
    drawn, _, _ = on_terminal(stratoscope, "pull", "x", "--force", env=env, columns=30)
    lines = [re.sub(r"\x1b\[[0-9]*[A-Z]|\r", "", line) for line in drawn.splitlines()]
    assert any(re.match(r"model  +[\d.]+ k?B of 900 kB", line) for line in lines), lines
    assert all(len(line) < 30 for line in lines), lines


@pytest.mark.skipif(bool(os.environ.get("SANITIZER")), reason="long there, as demo's own tests are")
def test_from_the_hub_to_figures(stratoscope, hub, env, tmp_path):
    """A random checkpoint with GPT-2's blocks, heads, context, vocabulary and tokenizer, a quarter as wide, so that it
    takes seconds: pulled, then demonstrated."""
    folder = tmp_path / "made"
    subprocess.run([sys.executable, "-B", ROOT / "bench" / "make_checkpoint.py", folder, "n_embd=192"], check=True)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.add(GPT2, files, alias="gpt2")
    document = stratoscope.json("pull", "gpt2", env=env)
    assert document["runs"] and document["bytes"] == sum(map(len, files.values())) > 50e6
    demo = stratoscope.json("demo", "--model", "gpt2", env=env)
    assert demo["model"] == document["model"] and demo["model"]["name"] == GPT2
    figures = list((stratoscope.folder / "stratoscope-demo").glob("*.svg"))
    assert len(figures) > 3 and all(figure.stat().st_size > 1000 for figure in figures)
    assert "<svg" in (stratoscope.folder / "stratoscope-demo" / "index.html").read_text(encoding="utf-8")
