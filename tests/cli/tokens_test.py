"""`tokens` of several texts, and texts that are given as token ids."""
import json

import numpy as np
import pytest

from program import PENGUINS

TEXTS = [PENGUINS, "Pinguine sind süß.", "🐧🐧", ""]


def test_several_texts_are_each_ones_numbers(stratoscope):
    result = stratoscope.json("tokens", *TEXTS)
    assert len(result["texts"]) == 4 and "ids" not in result
    for text, each in zip(TEXTS, result["texts"]):
        alone = stratoscope.json("tokens", text)
        assert {key: each[key] for key in alone if key in each} == {k: alone[k] for k in alone if k in each}
        assert (each["characters"], each["bytes"]) == (len(text), len(text.encode()))
        expected = None if not text else pytest.approx(len(alone["ids"]) / len(text))
        assert each["tokens_per_character"] == expected
    assert result["texts"][0]["label"].startswith("“A wise")


def test_one_text_has_the_members_that_it_always_had(stratoscope):
    assert list(stratoscope.json("tokens", PENGUINS))[-9:] == [
        "text", "ids", "tokens", "offsets", "characters", "unique_characters", "count", "unique", "context"]


def test_labels_and_the_table(stratoscope):
    shown = stratoscope.prints("tokens", "The king", "Der König", "--labels", "English,German")
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.strip()}
    assert rows["English"][:3] == ["8", "8", "2"] and rows["German"][:2] == ["9", "10"]
    stratoscope.fails("tokens", "a", "b", "--labels", "x", status=2, says=["1 labels", "2 texts"])
    stratoscope.fails("tokens", "a", "--labels", "x", status=2, says="one text")


def test_the_figure_has_each_count(stratoscope):
    stratoscope.succeeds("tokens", *TEXTS[:3], "--labels", "a,b,c", "--figure", "x.vl.json")
    figure = json.loads((stratoscope.folder / "x.vl.json").read_text(encoding="utf-8"))
    result = stratoscope.json("tokens", *TEXTS[:3])["texts"]
    for panel, key in zip(figure["concat"], ("characters", "bytes", "count", "tokens_per_character")):
        assert [p["value"] for p in panel["layer"][0]["data"]["values"]] == [each[key] for each in result]


def ids_of(stratoscope, text):
    return ",".join(str(i) for i in stratoscope.json("tokens", text)["ids"])


@pytest.mark.parametrize("text", [PENGUINS, "naïve 🐧 snow\n", " leading"])
def test_ids_are_decoded(stratoscope, text):
    whole, decoded = stratoscope.json("tokens", text), stratoscope.json("tokens", "--ids", ids_of(stratoscope, text))
    assert decoded == whole
    assert text in stratoscope.prints("tokens", "--ids", ids_of(stratoscope, text))


def test_a_part_of_a_character_is_shown_as_such(stratoscope):
    ids = stratoscope.json("tokens", "🐧")["ids"]
    assert len(ids) > 1
    part = stratoscope.json("tokens", "--ids", ids[0])
    assert part["text"] == part["tokens"][0] and "\ufffd" in part["text"] and part["ids"] == ids[:1]


COMMANDS = {
    "predict": [], "heatmap": [], "activations": [], "lens": [], "attention": ["--repeat"], "attribution": [],
    "geometry": [], "similarity": ["--profile"], "verify": [], "generate": ["--max-new", 3],
    "sweep": ["--edit", "blocks.{layer}.hook_mlp_out = 0", "--over", "layer=0..2", "--target-id", 300],
    "ablate": ["--parts", "mlps", "--target-id", 300], "edges": ["--target-id", 300],
    "patch": ["--corrupt", "The man and", "--target-id", 300],
    "steer": ["--positive", "joy", "--negative", "pain", "--layers", 2, "--max-new", 2],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_ids_stand_in_place_of_a_text(stratoscope, command):
    text = "The king and"
    by_text = stratoscope.json(command, text, *COMMANDS[command])
    assert stratoscope.json(command, "--ids", ids_of(stratoscope, text), *COMMANDS[command]) == by_text


def test_a_saved_run_of_ids_is_that_of_the_text(stratoscope):
    text = "The king and"
    stratoscope.succeeds("run", text, "--save", "text.npz")
    stratoscope.succeeds("run", "--ids", ids_of(stratoscope, text), "--save", "ids.npz")
    with np.load(stratoscope.folder / "text.npz") as a, np.load(stratoscope.folder / "ids.npz") as b:
        assert all(a[name].tobytes() == b[name].tobytes() for name in a) and set(a) == set(b)
    stratoscope.fails("run", text, "--ids", "3", "--save", "x.npz", status=2, says="excludes")


def test_prompts_exclude_ids(stratoscope):
    (stratoscope.folder / "p.jsonl").write_text('{"text": "a"}\n', encoding="utf-8")
    stratoscope.fails("sweep", "--ids", "3", "--prompts", "p.jsonl", "--edit", "blocks.{layer}.hook_mlp_out = 0", "--over",
                      "layer=0", "--metric", "kl", says="leave out one")


def test_ids_that_no_text_has(stratoscope):
    ids = [3, 3, 3, 0]
    result = stratoscope.json("predict", "--ids", "3,3,3,0")
    stratoscope.succeeds("tokens", "--ids", "3,3,3,0", "--json")
    logits = stratoscope.json("lens", "--ids", "3, 3, 3, 0", "--top", 1)["layers"][-1]["positions"][-1][0]
    assert logits["id"] == result["predictions"][0]["id"] and result["position"] == len(ids) - 1


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--ids", "x"], 1, "not a token id"),
        (["--ids", "-1"], 1, "not a token id"),
        (["--ids", "99999999999"], 1, "not a token id"),
        (["--ids", "8192"], 1, "8192"),
        (["--ids", ""], 1, "ids"),
        (["--ids", "3", "text"], 2, "exclude each other"),
        (["--ids", "3", "--bos"], 2, "beginning-of-text"),
    ],
)
def test_ids_that_are_refused(stratoscope, arguments, status, says):
    stratoscope.fails("predict", *arguments, status=status, says=says)


def test_ids_are_decoded(stratoscope):
    decoded = stratoscope.json("tokens", "--decode", "807,599,1138")
    assert decoded == stratoscope.json("tokens", "--ids", "807,599,1138") and len(decoded["tokens"]) == 3
    stratoscope.fails("tokens", "--decode", "3", "text", status=2, says="exclude each other")


def test_a_record_of_ids_replays(stratoscope):
    stratoscope.succeeds("predict", "--ids", "3,17,300", "--record", "r.json")
    stratoscope.succeeds("replay", "r.json")
    record = json.loads((stratoscope.folder / "r.json").read_text(encoding="utf-8"))
    assert record["options"]["ids"] and "text" not in record


def test_a_text_too_long_as_ids(stratoscope):
    ids = ",".join(["3"] * 600)
    stratoscope.fails("predict", "--ids", ids, says=["600 tokens", "512"])
    assert stratoscope.json("predict", "--ids", ids, "--truncate")["position"] == 511
    cut = stratoscope.json("generate", "--ids", ids, "--truncate", "--max-new", 2)
    assert len(cut["tokens"]) == 2
    np.testing.assert_array_equal(stratoscope.json("tokens", "--ids", ids)["count"], 600)
