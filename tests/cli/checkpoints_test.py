"""Checkpoints in forms that are common: heads, special tokens, prefixes, settings of data loaders."""
import json
import shutil
from pathlib import Path

import pytest

CASES = Path(__file__).resolve().parents[1] / "cases"
# The likeliest token after "a king" in float64: of the weights with 257 rows, and of those with 258.
KING = (46, -3.2400)
KING_258 = (24, -2.7761)


@pytest.fixture
def changed(tmp_path):
    """A copy of a case with files changed: name -> text, or None to remove it."""

    def change(case, **files):
        folder = tmp_path / case
        shutil.copytree(CASES / case, folder)
        for name, text in files.items():
            path = folder / name.replace("__", ".")
            path.unlink() if text is None else path.write_text(json.dumps(text))
        return folder

    return change


def best(stratoscope, model, *arguments):
    return stratoscope.json("predict", "a king", "--top", "1", "--model", model, *arguments)["predictions"][0]


FORMS = [(name, KING) for name in ("head-only", "truncation", "pad-beyond", "prefix-module")]
FORMS += [(name, KING_258) for name in ("bos-s", "eos-json", "added-tokens-json")]


@pytest.mark.parametrize("case, expected", FORMS)
@pytest.mark.parametrize("precision", ["fp32", "fp64"])
def test_another_form_of_the_same_model_says_the_same(stratoscope, case, expected, precision):
    first = best(stratoscope, CASES / case, "--precision", precision)
    assert (first["id"], first["log_prob"]) == (expected[0], pytest.approx(expected[1], abs=5e-5))


@pytest.mark.parametrize("precision", ["fp32", "fp64"])
def test_a_trained_head_is_used_and_said(stratoscope, precision):
    run = stratoscope.run("predict", "a king", "--top", "2", "--json", "--model", CASES / "untied-head", "--precision", precision)
    assert run.status == 0 and "lm_head.weight" in run.err and "differs from the embedding" in run.err
    first, second = json.loads(run.out)["predictions"]
    assert first["id"] == 59 and first["log_prob"] == pytest.approx(-2.8228, abs=5e-5)
    assert second["id"] == 198 and second["log_prob"] == pytest.approx(-3.5712, abs=5e-5)
    lens = stratoscope.json("lens", "a king", "--top", "1", "--model", CASES / "untied-head", "--precision", precision)
    assert lens["layers"][-1]["positions"][-1][0]["id"] == 59


@pytest.mark.parametrize("case, says", [("truncation", "'truncation' is set"), ("pad-beyond", "without a row in the weights, such as '[PAD]' (id 257)")])
def test_what_is_left_aside_is_said(stratoscope, case, says):
    for command in ("predict", "tokens", "activations"):
        run = stratoscope.run(command, "a king", "--model", CASES / case)
        assert run.status == 0 and says in run.err, command


def test_padding_is_left_aside_too(stratoscope, changed):
    folder = changed("truncation")
    definition = json.loads((folder / "tokenizer.json").read_text())
    definition["padding"] = {"strategy": {"Fixed": 32}, "direction": "Right", "pad_id": 256, "pad_type_id": 0, "pad_token": "<|endoftext|>"}
    (folder / "tokenizer.json").write_text(json.dumps(definition))
    assert best(stratoscope, folder)["id"] == KING[0]


def test_a_text_with_a_token_that_has_no_row_is_refused(stratoscope, tmp_path):
    model = ["--model", CASES / "pad-beyond"]
    says = "'[PAD]' (id 257), for which the weights have no row"
    stratoscope.fails("predict", "a [PAD]", *model, says=says)
    stratoscope.fails("sweep", "a", "--edit", "hook_embed *= {f}", "--over", "f=0,1", "--target", "[PAD]", *model, says=says)
    stratoscope.fails("patch", "a", "--corrupt", "[PAD]", "--target", "b", *model, says=says)
    (tmp_path / "t.jsonl").write_text('{"text": "a"}\n{"text": "[PAD]"}\n')
    stratoscope.fails("run", "--texts", tmp_path / "t.jsonl", "--save", tmp_path / "o.npz", *model, says=says)


def test_special_tokens_of_every_file_are_found_in_texts(stratoscope, changed):
    def ids(folder, text):
        return stratoscope.json("tokens", text, "--model", folder)["ids"]

    assert ids(CASES / "bos-s", "<s>a</s>") == [256, 97, 257]
    only_map = changed("bos-s", tokenizer_config__json=None)
    assert ids(only_map, "<s>a</s>") == [256, 97, 257]
    only_config = only_map.rename(only_map.parent / "map")
    (only_config / "special_tokens_map.json").unlink()
    (only_config / "tokenizer_config.json").write_text(json.dumps({"bos_token": {"content": "<s>", "lstrip": False}, "additional_special_tokens": ["</s>"]}))
    assert ids(only_config, "<s>a</s>") == [256, 97, 257]
    (only_config / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": {"256": {"content": "<s>"}}}))
    assert ids(only_config, "<s>a</s>") == [256, 97] + list(b"</s>")
    assert ids(CASES / "added-tokens-json", "[PAD]a<|endoftext|>") == [257, 97, 256]


def test_bos_is_the_checkpoints_own(stratoscope, changed):
    def first(folder):
        return stratoscope.json("tokens", "a", "--bos", "--model", folder)["ids"][0]

    assert first(CASES / "bos-s") == 256
    end_of_the_two = changed("bos-s", tokenizer_config__json={"bos_token": "</s>"})
    assert first(end_of_the_two) == 257
    shutil.rmtree(end_of_the_two)
    config = json.loads((CASES / "bos-s" / "config.json").read_text()) | {"bos_token_id": 97}
    by_number = changed("bos-s", tokenizer_config__json=None, special_tokens_map__json=None, config__json=config)
    assert first(by_number) == 97


PUSH = ["--max-new", "4", "--edit-scope", "all", "--json", "--edit"]


@pytest.mark.parametrize(
    "files, stops_at",
    [
        ({}, [257]),
        ({"config__json": {"eos_token_id": [97, 98]}}, [97, 98]),
        ({"config__json": {"eos_token_id": None}, "generation_config__json": {"eos_token_id": 99}}, [99]),
        ({"generation_config__json": {"eos_token_id": [99, 100]}}, [99, 100]),
        ({"config__json": {"eos_token_id": 5000}, "tokenizer_config__json": {"eos_token": "<s>"}}, [256]),
    ],
)
def test_each_end_token_ends_generation(stratoscope, changed, files, stops_at):
    if "config__json" in files:
        files = files | {"config__json": json.loads((CASES / "eos-json" / "config.json").read_text()) | files["config__json"]}
    folder = changed("eos-json", **files)
    for token in (97, 98, 99, 100, 256, 257):
        made = json.loads(stratoscope.succeeds("generate", "a", "--model", folder, *PUSH, f"unembed.hook_out.dim[{token}] += 1000").out)
        ends = token in stops_at
        assert (made["stopped"], len(made["tokens"])) == (("end", 1) if ends else ("length", 4)), token
    ignoring = json.loads(stratoscope.succeeds("generate", "a", "--model", folder, "--ignore-end", *PUSH, f"unembed.hook_out.dim[{stops_at[0]}] += 1000").out)
    assert ignoring["stopped"] == "length"


@pytest.mark.parametrize("text", ["a king", "times, it was", "7", "xx"])
def test_repeat_repeats_the_tokens(stratoscope, text):
    once = stratoscope.json("attention", text)["tokens"]
    twice = stratoscope.json("attention", text, "--repeat")["tokens"]
    assert twice == once * 2
    assert stratoscope.json("attention", text, "--repeat", "--bos")["tokens"][1:] == once * 2


@pytest.mark.parametrize("name, text", [("special_tokens_map__json", [1]), ("tokenizer_config__json", "x"), ("generation_config__json", 7)])
def test_a_file_that_is_no_object_is_named(stratoscope, changed, name, text):
    stratoscope.fails("predict", "a", "--model", changed("bos-s", **{name: text}), says=[name.replace("__", "."), "not a JSON object"])


@pytest.mark.parametrize("ids", ["x", {"a": 1}, [1.5], [True]])
def test_end_tokens_are_numbers(stratoscope, changed, ids):
    folder = changed("eos-json", generation_config__json={"eos_token_id": ids})
    stratoscope.fails("predict", "a", "--model", folder, says="eos_token_id")
