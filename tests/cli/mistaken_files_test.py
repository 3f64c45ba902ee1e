"""A git-lfs pointer or a web page instead of a file of another kind, and names that are not UTF-8."""
import json
import os
import shutil

import numpy as np
import pytest

from program import PENGUINS

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + 64 * "a" + "\nsize 14224\n"
PAGE = "\n<!DOCTYPE html>\n<html><head><title>Not Found</title></head></html>\n"
MISTAKEN = {"pointer": (POINTER, ["is a git-lfs pointer", "git lfs pull"]), "page": (PAGE, ["is a web page", "again"])}


@pytest.fixture(params=MISTAKEN)
def mistaken(request):
    return MISTAKEN[request.param]


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "model.safetensors.index.json", "vocab.json", "merges.txt"]
)
def test_in_a_model_folder(stratoscope, forged, mistaken, name):
    content, says = mistaken
    if name.endswith("index.json"):
        forged.weights.unlink()
    if name in ("vocab.json", "merges.txt"):
        (forged.folder / "tokenizer.json").unlink(missing_ok=True)
        other = {"vocab.json": ("merges.txt", "#version: 0.2\n"), "merges.txt": ("vocab.json", '{"a": 0}')}[name]
        forged.write(*other)
    forged.write(name, content)
    for command in (["predict", "~"], ["tokens", "~"], ["info"]):
        stratoscope.fails(*command, "--model", forged, says=[name, *says])


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("v.npy", ["predict", "A", "--edit", "resid_post.0 += v.npy"]),
        ("v.safetensors", ["predict", "A", "--edit", "resid_post.0 += v.safetensors:v"]),
        ("v.safetensors", ["steer", "A", "--vectors", "v.safetensors"]),
        ("a.npz", ["run", "--start-at", "0", "--from", "a.npz", "--save", "b.npz"]),
        ("a.safetensors", ["run", "--start-at", "0", "--from", "a.safetensors", "--save", "b.npz"]),
        ("t.jsonl", ["run", "--texts", "t.jsonl", "--save", "b.npz"]),
        ("t.jsonl", ["steer", "A", "--positive-file", "t.jsonl", "--negative", "B"]),
        ("t.jsonl", ["sweep", "--prompts", "t.jsonl", "--edit", "blocks.{layer}.hook_resid_post *= 0", "--over",
                     "layer=all", "--metric", "kl"]),
        ("r.json", ["replay", "r.json"]),
    ],
)
def test_given_by_a_user(stratoscope, mistaken, name, command):
    content, says = mistaken
    (stratoscope.folder / name).write_text(content)
    stratoscope.fails(*command, says=[name, *says])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x1f\x8b\x08\x00\x00", ["compressed by gzip", "zcat"]),
        (b"\x28\xb5\x2f\xfd\x04", ["compressed by zstd"]),
        ('{"text": "a"}\n'.encode("utf-16"), ["is UTF-16", "iconv"]),
    ],
)
def test_texts_in_another_form(stratoscope, content, says):
    (stratoscope.folder / "t.jsonl").write_bytes(content)
    stratoscope.fails("run", "--texts", "t.jsonl", "--save", "a.npz", says=["t.jsonl", *says])


def test_a_text_may_speak_of_such_files(stratoscope):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in (PAGE, POINTER))
    assert stratoscope.json("run", "--texts", "-", "--save", "a.npz", text=lines)["texts"] == 2
    stratoscope.succeeds("predict", POINTER)


@pytest.fixture
def unnamed(tiny_model, tmp_path):
    """The tiny model in a folder whose name is not UTF-8."""
    folder = os.fsencode(tmp_path / "a") + b"\xff\xc3b"
    shutil.copytree(os.fsencode(tiny_model), folder)
    return folder


def test_a_model_whose_name_is_not_utf8_saves(stratoscope, unnamed, tiny_model):
    model = ["--model", unnamed]
    shown = stratoscope.json("predict", PENGUINS, *model)["model"]["name"]
    assert shown == "a\ufffd\ufffdb"
    for name in ("a.npz", "a.safetensors"):
        assert stratoscope.json("run", PENGUINS, "--save", name, *model)["model"]["name"] == shown
    plain = stratoscope.succeeds("run", PENGUINS, "--save", "plain.npz", "--model", tiny_model)
    assert plain.status == 0
    with np.load(stratoscope.folder / "a.npz") as ours, np.load(stratoscope.folder / "plain.npz") as others:
        assert all(ours[key].tobytes() == others[key].tobytes() for key in others)
    stratoscope.succeeds("run", "--start-at", "0", "--from", "a.safetensors", "--save", "b.npz", *model)
    stratoscope.succeeds("generate", "~", "--max-new", "2", "--save", "g.safetensors", *model)
    stratoscope.succeeds("steer", "~", "--positive", "~~", "--negative", "!", "--save", "d.safetensors", *model)
    for command in (["predict", "~"], ["lens", "~"], ["activations", "~"]):
        stratoscope.succeeds(*command, "--record", "r.json", *model)
        json.loads((stratoscope.folder / "r.json").read_text(encoding="utf-8"))
        stratoscope.succeeds(*command, *model)
    for name in ("f.svg", "f.html", "f.vl.json"):
        stratoscope.succeeds("activations", PENGUINS, "--figure", name, *model)
        (stratoscope.folder / name).read_text(encoding="utf-8")
    for command in (["info"], ["models"], ["bench", "--tokens", "4", "--repeat", "1"]):
        json.loads(stratoscope.succeeds(*command, "--json", *([] if command == ["models"] else model)).out)
    sweep = ["sweep", "~", "--edit", "blocks.{layer}.hook_resid_post *= 0", "--over", "layer=all", "--metric", "kl"]
    for name in ("s.csv", "s.json", "s.npz"):
        stratoscope.succeeds(*sweep, "--save", name, *model)
