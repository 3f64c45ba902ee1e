"""`models`: the models on this machine, and `models remove`."""
import json
import os
import shutil

import pytest


@pytest.fixture
def cache(tmp_path, tiny_model):
    """A cache with the tiny model under two names, one that cannot be run, and one that is not complete."""
    cache = tmp_path / "cache"
    for name in ("models--anna--tiny", "models--big--mixtral", "models--half"):
        snapshot = cache / name / "snapshots" / ("a" * 40)
        shutil.copytree(tiny_model, snapshot)
        (cache / name / "refs").mkdir()
        (cache / name / "refs" / "main").write_text("a" * 40)
    (cache / "models--tiny").symlink_to("models--anna--tiny")
    (cache / "models--big--mixtral" / "snapshots" / ("a" * 40) / "config.json").write_text('{"model_type": "mixtral"}')
    (cache / "models--half" / "snapshots" / ("a" * 40) / "model.safetensors").unlink()
    return cache


@pytest.fixture
def env(cache):
    return {"HF_HUB_CACHE": str(cache)}


def models(stratoscope, env):
    document = json.loads(stratoscope.prints("models", "--json", env=env))
    assert document["version"] and document["cache"] == env["HF_HUB_CACHE"]
    return {model["name"]: model for model in document["models"]}


def test_the_list_as_json(stratoscope, env, cache, tiny_model):
    found = models(stratoscope, env)
    assert list(found) == ["novella-7m", "anna/tiny", "big/mixtral", "half"]
    assert found["novella-7m"]["built_in"] and found["novella-7m"]["runs"] and found["novella-7m"]["commit"] is None
    info = stratoscope.json("info", "--model", tiny_model)
    tiny = found["anna/tiny"]
    assert tiny["parameters"] == info["parameters"] and tiny["dtype"] == info["dtype"] == "F32"
    assert tiny["aliases"] == ["tiny"] and tiny["family"] == "gpt2" and tiny["runs"] and tiny["problem"] is None
    assert tiny["revisions"] == ["main"] and tiny["commit"] == "a" * 40
    assert tiny["path"] == str(cache / "models--anna--tiny" / "snapshots" / ("a" * 40))
    assert tiny["bytes"] == sum(path.stat().st_size for path in tiny_model.iterdir())
    assert tiny["memory"] == info["memory"] and tiny["memory"]["fp32"] == 2 * tiny["memory"]["bf16"] > 0
    mixtral = found["big/mixtral"]
    assert mixtral["family"] == "mixtral" and not mixtral["runs"] and "mixture of experts is not implemented" in mixtral["problem"]
    assert mixtral["parameters"] and mixtral["dtype"] == "F32"
    half = found["half"]
    assert half["problem"] == "model.safetensors is missing; 'stratoscope pull half' gets the missing files"
    assert not half["runs"] and half["parameters"] is None


def test_the_list_for_people(stratoscope, env, cache):
    lines = stratoscope.prints("models", env=env).splitlines()
    assert lines[0].split() == ["name", "family", "parameters", "dtype", "size", "memory", "revision", "runs"]
    at = next(i for i, line in enumerate(lines) if line.strip().startswith("anna/tiny (tiny)"))
    assert lines[at].split()[-1] == "yes" and "main aaaaaaa" in lines[at]
    assert lines[at + 1].strip() == str(cache / "models--anna--tiny" / "snapshots" / ("a" * 40))
    assert any("model_type 'mixtral': mixture of experts is not implemented" in line for line in lines)
    assert any("'stratoscope pull half' gets the missing files" in line for line in lines)


def test_every_listed_model_that_runs_runs(stratoscope, env):
    for name, model in models(stratoscope, env).items():
        if model["runs"]:
            stratoscope.json("predict", "ab", "--model", name, env=env)
        else:
            stratoscope.fails("predict", "ab", "--model", name, env=env)


def test_folders_of_any_name(stratoscope, env, cache):
    """In a cache that others can write to."""
    for name in (b"models--\xf0", b"models--\x1b[31mred\nnovella", b"models--", b"models----", b"models--\xff--\xfe"):
        folder = os.path.join(os.fsencode(cache), name, b"snapshots", b"x\xe2\x28")
        os.makedirs(folder)
    printed = stratoscope.succeeds("models", env=env).out
    assert "\x1b" not in printed and "\\x1b[31mred\\x0anovella" in printed
    assert len(models(stratoscope, env)) >= 8


def test_no_cache_is_an_empty_one(stratoscope, tmp_path):
    env = {"HF_HUB_CACHE": str(tmp_path / "nothing")}
    assert list(models(stratoscope, env)) == ["novella-7m"]
    assert not (tmp_path / "nothing").exists()


def test_remove(stratoscope, env, cache):
    assert "freed" in stratoscope.prints("models", "remove", "tiny", env=env)
    assert set(models(stratoscope, env)) == {"novella-7m", "big/mixtral", "half"}
    assert not (cache / "models--anna--tiny").exists() and not (cache / "models--tiny").is_symlink()
    removed = json.loads(stratoscope.prints("models", "remove", "half@main", "--json", env=env))
    assert removed["removed"] == "half" and removed["commits"] == ["a" * 40]
    assert removed["version"] and removed["kept"] == 0


def test_what_cannot_be_removed(stratoscope, env):
    stratoscope.fails("models", "remove", "novella-7m", env=env, says="is built in, and is not removed")
    stratoscope.fails("models", "remove", "anna/tini", env=env, says=["is not in the Hugging Face cache", "'anna/tiny'"])
    stratoscope.fails("models", "remove", "../..", env=env, says="is not in the Hugging Face cache")
    assert len(models(stratoscope, env)) == 4


@pytest.mark.parametrize("arguments", [["x"], ["remove"], ["remove", "a", "b"], ["--nonsense"]])
def test_what_the_parser_refuses(stratoscope, arguments):
    stratoscope.fails("models", *arguments, status=2, says="stratoscope --help")
