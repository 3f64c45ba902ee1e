"""Inputs of many small pieces: read in time that grows with their length, and Ctrl-C is answered while they are.

What looked at all earlier pieces for each new one took minutes for these."""
import json
import os
import time

import numpy as np
import pytest

from program import TIME_LIMIT, interrupt

PIECES = 300_000
SOON = 60  # seconds; a limit for what takes about one


@pytest.fixture
def quick(stratoscope):
    """Runs a command and fails if it takes more time than one reading."""

    def run(*arguments, **options):
        begin = time.monotonic()
        result = stratoscope.run(*arguments, **options)
        assert time.monotonic() - begin < SOON
        return result

    return run


def record(stratoscope, model, change):
    stratoscope.succeeds("predict", "a b", "--model", model, "--record", "made.json", "--json")
    made = json.loads((stratoscope.folder / "made.json").read_text(encoding="utf-8"))
    change(made)
    (stratoscope.folder / "r.json").write_text(json.dumps(made), encoding="utf-8")


RECORDS = {
    "points": lambda made: made["result"].update(results=[{"layer": i, "value": 0.5} for i in range(PIECES)]),
    "objects": lambda made: made["result"].update(results=[{}] * PIECES),
    "keys": lambda made: made["result"].update({str(i): {} for i in range(PIECES)}),
    "value": lambda made: made["result"].update(results={str(i): i for i in range(PIECES)}),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_of_many_pieces(stratoscope, tiny_model, quick, name):
    record(stratoscope, tiny_model, RECORDS[name])
    for arguments in ([], ["--json"]):
        result = quick("replay", "r.json", *arguments)
        assert result.status == 1 and "of the results differ" in result.error


@pytest.mark.parametrize(
    "options",
    [
        lambda made: made.update(order=["edit"] * PIECES, options=made["options"] | {"edit": ["x"] * PIECES}),
        lambda made: made.update(options=made["options"] | {f"edit-{i}": ["x"] for i in range(PIECES // 10)}),
    ],
    ids=["order", "options"],
)
def test_a_record_of_many_options(stratoscope, tiny_model, quick, options):
    record(stratoscope, tiny_model, options)
    assert quick("replay", "r.json").status == 1


def test_a_checkpoint_of_many_tensors(forged, quick):
    tensor = np.zeros(1, np.float32)
    forged.change_tensors(lambda tensors: tensors.update({f"extra.{i}": tensor for i in range(PIECES // 3)}))
    result = quick("predict", "a b", "--model", forged)
    assert result.status == 0 and f"'extra.{PIECES // 3 - 1}' is not part" in result.err


def test_an_index_of_many_files(forged, quick):
    forged.weights.unlink()
    index = {"weight_map": {f"tensor.{i}": f"file.{i}.safetensors" for i in range(PIECES)}}
    forged.write("model.safetensors.index.json", json.dumps(index))
    result = quick("info", "--model", forged)
    assert result.status == 1 and "file.0.safetensors" in result.error


def test_a_config_of_many_objects(forged, quick):
    config = json.loads((forged.folder / "config.json").read_text(encoding="utf-8"))
    forged.write("config.json", json.dumps(config | {"unused": [{}] * PIECES}))
    assert quick("info", "--model", forged).status == 0


def test_many_texts_and_prompts(stratoscope, tiny_model, quick):
    (stratoscope.folder / "texts.jsonl").write_text('{"text":"ab"}\n' * 10_000, encoding="utf-8")
    capture = ["--save", "o.safetensors", "--capture", "blocks.0.hook_resid_post"]
    assert quick("run", "--model", tiny_model, "--texts", "texts.jsonl", *capture).status == 0
    (stratoscope.folder / "prompts.jsonl").write_text('{"text":"ab","target":"a"}\n' * 2_000, encoding="utf-8")
    edit = ["--edit", "blocks.{layer}.hook_resid_post *= 0.8", "--over", "layer=all", "--save", "o.csv"]
    assert quick("sweep", "--model", tiny_model, "--prompts", "prompts.jsonl", *edit).status == 0


def test_long_lists_of_places(stratoscope, tiny_model, quick):
    places = ",".join(["0"] * 50_000)
    hook = f"blocks.0.hook_resid_post[{places}]"
    assert quick("predict", "ab", "--model", tiny_model, "--edit", hook + " *= 2").status == 0
    assert quick("run", "ab", "--model", tiny_model, "--capture", hook, "--save", "o.npz").status == 0
    assert quick("lens", "ab", "--model", tiny_model, "--positions", places).status in (0, 1)


HUGE = 3_000_000


def huge_record(stratoscope, model):
    record(stratoscope, model, lambda made: made["result"].update(results=[{"layer": 1}] * HUGE))
    return ["replay", "r.json"]


def huge_tokenizer(stratoscope, model):
    vocabulary = ",".join(f'"t{i}":{i}' for i in range(HUGE))
    (model / "tokenizer.json").write_text('{"model":{"vocab":{' + vocabulary + "}}}", encoding="utf-8")
    return ["info", "--model", model]


def huge_index(stratoscope, model):
    (model / "model.safetensors").unlink()
    names = ",".join(f'"t{i}":"f{i}.safetensors"' for i in range(HUGE))
    (model / "model.safetensors.index.json").write_text('{"weight_map":{' + names + "}}", encoding="utf-8")
    return ["info", "--model", model]


@pytest.mark.parametrize("make", [huge_record, huge_tokenizer, huge_index])
def test_reading_stops_for_ctrl_c(stratoscope, forged, make):
    """The signal comes while the file is parsed: after all of it is in memory, before there is a result."""
    command = make(stratoscope, forged.folder)
    process = stratoscope.start(*command)
    deadline = time.monotonic() + TIME_LIMIT
    while resident(process) < 64 << 20:  # megabytes of small pieces
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    result = interrupt(process)
    assert result.status == 130, result.err
    assert result.error.startswith("interrupted: ")


def resident(process):
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
