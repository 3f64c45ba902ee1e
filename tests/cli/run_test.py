"""`run`: one forward pass, kept in a file."""
import itertools
import json
import os

import numpy as np
import pytest

import safetensors_io
from program import KAFKA, MODEL, PENGUINS, TIME_LIMIT

TEXTS = [PENGUINS, "A", KAFKA, "It was the best of times,\nit was the worst of times", "   ", "日本 🙂"]


def load(path):
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return dict(arrays)
    return safetensors_io.load(path)


def worst_row_error(values, expected):
    """The largest error of a row, relative to the row's largest magnitude; masked scores must agree."""
    masked = np.isneginf(expected)
    assert np.array_equal(masked, np.isneginf(values))
    values, expected = (np.where(masked, 0, x.astype(np.float64)) for x in (values, expected))
    scale = np.abs(expected).max(-1)
    return (np.abs(values - expected).max(-1) / np.where(scale == 0, 1, scale)).max()


def write_texts(stratoscope, texts, name="texts.jsonl"):
    lines = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    (stratoscope.folder / name).write_text(lines, encoding="utf-8")
    return name


@pytest.mark.parametrize("file", ["run.safetensors", "run.npz"])
def test_every_hook_point_equals_the_golden(stratoscope, golden, file):
    keys = stratoscope.json("run", PENGUINS, "--save", file, "--capture", "*")["keys"]
    saved, expected = load(stratoscope.folder / file), golden("penguins")
    assert saved.pop("unembed.hook_out").tobytes() == saved["logits"].tobytes()
    del keys["unembed.hook_out"]  # which the goldens call logits
    weights = safetensors_io.load(MODEL / "model.safetensors")
    for block, (norm, stored) in itertools.product(range(12), (("ln1", "ln_1"), ("ln2", "ln_2"))):
        weight, bias = (weights[f"h.{block}.{stored}.{part}"].astype(np.float64) for part in ("weight", "bias"))
        expected[f"blocks.{block}.{norm}.hook_out"] = expected[f"blocks.{block}.{norm}.hook_normalized"] * weight + bias
    assert set(saved) == set(expected) == set(keys)
    assert {name: list(array.shape) for name, array in saved.items()} == keys
    assert saved["input_ids"].dtype == np.int64 and saved["logits"].dtype == np.float32
    np.testing.assert_array_equal(saved["input_ids"], expected["input_ids"])
    errors = {name: worst_row_error(saved[name], expected[name]) for name in expected if name != "input_ids"}
    assert max(errors.values()) <= 2e-5, sorted(errors.items(), key=lambda item: -item[1])[:3]


def test_a_run_without_captures_holds_the_three(stratoscope):
    keys = stratoscope.json("run", PENGUINS, "--save", "a.npz")["keys"]
    assert keys == {"input_ids": [10], "hidden_states": [13, 10, 192], "logits": [10, 8192]}
    assert stratoscope.files() == {"a.npz"}


def test_captures_are_names_globs_and_aliases_each_once(stratoscope):
    captures = ["blocks.*.attn.hook_pattern", "transformer.h.3", "blocks.3.hook_resid_post", "hidden_states.4"]
    result = stratoscope.json("run", PENGUINS, "--save", "a.npz", "--capture", *captures, "blocks.-1.hook_mlp_out")
    captured = list(result["keys"])[3:]
    patterns = [f"blocks.{i}.attn.hook_pattern" for i in range(12)]
    others = ["blocks.3.hook_resid_post", "blocks.4.hook_resid_pre", "blocks.11.hook_mlp_out"]
    assert sorted(captured) == sorted([*patterns, *others])
    assert result["keys"]["blocks.0.attn.hook_pattern"] == [6, 10, 10]


def test_capture_may_be_repeated(stratoscope):
    captures = ["--capture", "hook_embed", "--capture", "hook_pos_embed"]
    keys = stratoscope.json("run", *captures, "--save", "a.npz", "--", "A")["keys"]
    assert {"hook_embed", "hook_pos_embed"} < keys.keys()


def test_asking_for_a_value_changes_no_bit_of_another(stratoscope):
    stratoscope.succeeds("run", KAFKA, "--save", "plain.npz")
    stratoscope.succeeds("run", KAFKA, "--save", "all.npz", "--capture", "*")
    plain, everything = load(stratoscope.folder / "plain.npz"), load(stratoscope.folder / "all.npz")
    for name in plain:
        assert plain[name].tobytes() == everything[name].tobytes()


@pytest.mark.parametrize("file", ["a.safetensors", "a.npz"])
def test_the_same_run_writes_the_same_bytes(stratoscope, file):
    contents = []
    for _ in range(2):
        stratoscope.succeeds("run", PENGUINS, "--save", file)
        contents.append((stratoscope.folder / file).read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("text", TEXTS[:3])
@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_a_batch_gives_bit_for_bit_the_single_results(stratoscope, text, threads):
    points = ["blocks.*.attn.hook_z", "blocks.11.mlp.hook_post", "blocks.5.attn.hook_pattern"]
    texts = write_texts(stratoscope, TEXTS)
    stratoscope.succeeds("run", "--texts", texts, "--save", "batch.npz", "--threads", threads, "--capture", *points)
    stratoscope.succeeds("run", text, "--save", "single.npz", "--threads", 1, "--capture", *points)
    batch, single = load(stratoscope.folder / "batch.npz"), load(stratoscope.folder / "single.npz")
    offsets = batch["row_offsets"]
    assert offsets[0] == 0 and offsets[-1] == len(batch["input_ids"]) and len(offsets) == len(TEXTS) + 1
    index = TEXTS.index(text)
    rows = slice(offsets[index], offsets[index + 1])
    assert rows.stop - rows.start == len(single["input_ids"])
    for name, alone in single.items():
        if name == "hidden_states":
            packed = batch[name][:, rows]
        elif name.endswith("pattern"):
            packed = batch[name][:, rows, : alone.shape[-1]]
            assert not batch[name][:, rows, alone.shape[-1] :].any()
        else:
            packed = batch[name][rows]
        assert packed.tobytes() == alone.tobytes(), name


def test_edits_act_in_each_text_of_a_batch(stratoscope):
    edit = ["--edit", "blocks.2.hook_resid_post[-1] = mean"]
    result = stratoscope.json("run", "--texts", write_texts(stratoscope, TEXTS[:3]), "--save", "batch.npz", *edit)
    assert result["effect"]["kl"] > 0
    batch = load(stratoscope.folder / "batch.npz")
    for index, text in enumerate(TEXTS[:3]):
        stratoscope.succeeds("run", text, "--save", "single.npz", *edit)
        rows = slice(*batch["row_offsets"][index : index + 2])
        assert batch["logits"][rows].tobytes() == load(stratoscope.folder / "single.npz")["logits"].tobytes()


def test_run_for_people(stratoscope):
    lines = stratoscope.prints("run", "A", "--save", "a.npz").splitlines()
    assert lines[0] == "novella-7m, 1 text, 1 token, saved in a.npz"
    assert "  hidden_states  [13, 1, 192]" in lines


def test_float64_is_saved_as_float64(stratoscope):
    stratoscope.succeeds("run", "A wise man", "--save", "a.npz", "--precision", "fp64")
    assert load(stratoscope.folder / "a.npz")["logits"].dtype == np.float64


def test_captures_of_chosen_positions_and_heads(stratoscope):
    point = "blocks.2.attn.hook_pattern"
    (stratoscope.folder / "texts.jsonl").write_text('{"text": "A wise man"}\n{"text": "Penguins are cute."}\n')
    options = ["run", "--texts", "texts.jsonl", "--save"]
    stratoscope.succeeds(*options, "all.npz", "--capture", point, "resid_mid.5")
    stratoscope.succeeds(*options, "some.npz", "--capture", f"{point}[0,-1].head[1,3]", "resid_mid.5[-1]")
    whole, some = load(stratoscope.folder / "all.npz"), load(stratoscope.folder / "some.npz")
    offsets = whole["row_offsets"]
    last = offsets[1:] - 1
    rows = sorted({*offsets[:-1], *last})
    np.testing.assert_array_equal(some[point], whole[point][[1, 3]][:, rows])
    np.testing.assert_array_equal(some["blocks.5.hook_resid_mid"], whole["blocks.5.hook_resid_mid"][last])


def test_a_file_of_ours_tells_what_made_it(stratoscope):
    stratoscope.succeeds("run", "A", "--save", "a.safetensors")
    data = (stratoscope.folder / "a.safetensors").read_bytes()
    metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    assert metadata.keys() == {"model", "model_hash", "stratoscope", "precision"}


@pytest.mark.parametrize(
    ("capture", "says"),
    [
        ("blocks.3.hook_resid_pots", "'blocks.3.hook_resid_post'"),
        ("blocks.12.hook_resid_post", "0 to 11, or -12 to -1"),
        ("blocks.*.nothing", "matches no hook point"),
        ("transformer.h.3.attn.c_attn", "'blocks.3.attn.hook_q', 'blocks.3.attn.hook_k' and 'blocks.3.attn.hook_v'"),
        ("hidden_states.13", "0 to 12"),
        ("", "capture: a hook point's name is expected here"),
        ("resid_post.3[10]", "0 to 9, or -10 to -1"),
        ("resid_post.3.head[0]", "no axis for the selector .head"),
        ("pattern.3.key[0]", "selects keys"),
    ],
)
def test_a_capture_that_is_not_there(stratoscope, capture, says):
    stratoscope.fails("run", PENGUINS, "--save", "a.npz", "--json", "--capture", capture, says=says)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("", "holds no text"),
        ("\n  \n", "holds no text"),
        ('{"text": "a"}\n{"text": \n', "line 2"),
        ('{"text": "a"}\n\n{"txt": "b"}\n', "line 3"),
        ('["text"]\n', 'line 1: has no field "text": it is not a JSON object but a list'),
        ('{"text": ""}\n\n', "holds no text"),
        ('{"text": 7}\n', ['line 1: has no field "text" with a string: it is a number']),
        ('{"content": "a", "id": 1}\n', ['line 1: has no field "text"; its fields are \'content\', \'id\'']),
        ('[\n{"text": "a"},\n', ["line 1: is not JSON", "one JSON object a line"]),
        ('{"text": "a"},\n', ["line 1: is not JSON", "one JSON object a line"]),
        (b'{"text": "\xff"}\n', ["line 1: is not UTF-8 at its byte 11", "--replace-invalid"]),
        ('{"text": "a"}\n{"text": "\\ud83d"}', ["line 2: holds half of a surrogate pair, \\ud83d, at its byte 11"]),
        ('{"text": "\\ude00"}', "line 1: holds half of a surrogate pair, \\ude00"),
        ('{"text": "\\ud83d\\ud83d\\ude00"}', "line 1: holds half of a surrogate pair, \\ud83d, at its byte 11"),
        ('{"text": "\\\\ud83d" ', "line 1: is not JSON"),
        (json.dumps({"text": KAFKA * 40}), ["bad.jsonl: line 1", "more than the model's context of 512"]),
        ("[" * 100_000, "line 1"),
    ],
)
def test_a_bad_list_of_texts(stratoscope, lines, says):
    (stratoscope.folder / "bad.jsonl").write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    stratoscope.fails("run", "--texts", "bad.jsonl", "--save", "a.npz", "--json", says=says)


@pytest.mark.parametrize("file", ["a.safetensors", "a.npz"])
def test_empty_texts_have_no_rows(stratoscope, file):
    lines = '{"text": ""}\r\n{"text": "A wise man"}\r\n\r\n \n{"text": ""}\n{"text": "once"}\n{"text": ""}\n\n\n'
    (stratoscope.folder / "t.jsonl").write_bytes(b"\xef\xbb\xbf" + lines.encode())
    options = ["--texts", "t.jsonl", "--capture", "blocks.*.attn.hook_pattern", "resid_mid.3[-1]"]
    result = stratoscope.json("run", *options, "--save", file)
    assert (result["texts"], result["notes"]) == (7, ["5 of 7 texts are empty, without rows"])
    saved = load(stratoscope.folder / file)
    rows, end = stratoscope.json("tokens", "A wise man")["count"], result["tokens"]
    np.testing.assert_array_equal(saved["row_offsets"], [0, 0, rows, rows, rows, rows, end, end])
    result = stratoscope.json("run", *options, "--save", "skipped.npz", "--skip-empty")
    assert (result["texts"], result["notes"]) == (2, ["5 empty texts were left out"])
    skipped = load(stratoscope.folder / "skipped.npz")
    np.testing.assert_array_equal(skipped.pop("row_offsets"), [0, rows, end])
    assert all(saved[name].tobytes() == array.tobytes() for name, array in skipped.items())
    result = stratoscope.json("run", "--start-at", "0", "--from", file, "--save", "again.npz")
    again = load(stratoscope.folder / "again.npz")
    assert result["notes"] == ["5 of 7 texts are empty, without rows"]
    assert all(saved[name].tobytes() == again[name].tobytes() for name in ("logits", "row_offsets", "hidden_states"))
    assert stratoscope.json("run", *options, "--save", file, "--bos")["tokens"] == end + 7


def test_an_edit_is_named_by_its_text_among_empty_ones(stratoscope):
    texts = write_texts(stratoscope, ["", "A wise man", "", "", "one more"])
    edit = ["--edit", "blocks.3.ln2.hook_scale[-1] = 0"]
    nonfinite = stratoscope.json("run", "--texts", texts, "--save", "a.npz", *edit)["effect"]["nonfinite"]
    assert nonfinite["text"] == 1


def test_many_empty_texts(stratoscope):
    texts = write_texts(stratoscope, [""] * 5000 + ["A"] + [""] * 5000)
    assert stratoscope.json("run", "--texts", texts, "--save", "a.npz")["texts"] == 10001
    offsets = load(stratoscope.folder / "a.npz")["row_offsets"]
    np.testing.assert_array_equal(offsets, [0] * 5001 + [1] * 5001)


def test_what_is_no_character_is_replaced_and_counted(stratoscope):
    lines = rb'{"text": "half \ud83d of one"}' + b'\n{"text": "a\xff\xc3("}\n' + rb'{"text": "\\ud83d \ud83d\ude00"}' + b"\n"
    (stratoscope.folder / "bad.jsonl").write_bytes(lines)
    good = write_texts(stratoscope, ["half \ufffd of one", "a\ufffd\ufffd(", "\\ud83d \U0001f600"], "good.jsonl")
    result = stratoscope.json("run", "--texts", "bad.jsonl", "--save", "a.npz", "--replace-invalid")
    assert result["notes"] == ["invalid characters, read as U+FFFD: 3, in 2 line(s)"]
    assert "notes" not in stratoscope.json("run", "--texts", good, "--save", "b.npz", "--replace-invalid")
    assert (stratoscope.folder / "a.npz").read_bytes() == (stratoscope.folder / "b.npz").read_bytes()


@pytest.mark.parametrize("option", ["--skip-empty", "--replace-invalid"])
def test_options_of_lists_of_texts_alone(stratoscope, option):
    stratoscope.fails("run", "A", "--save", "a.npz", option, status=2, says="--texts")


def test_a_list_of_texts_that_is_not_there(stratoscope):
    stratoscope.fails("run", "--texts", "none.jsonl", "--save", "a.npz", says="none.jsonl: cannot be read")


def test_a_text_that_an_edit_or_a_capture_does_not_fit(stratoscope):
    texts = write_texts(stratoscope, [PENGUINS, "A"])
    command = ["run", "--texts", texts, "--save", "a.npz", "--json"]
    stratoscope.fails(*command, "--edit", "resid_post.3[5] *= 2", says=["position: texts.jsonl: line 2: ", "0 to 0"])
    stratoscope.fails(*command, "--capture", "resid_post.3[5]", says=["texts.jsonl: line 2: ", "0 to 0"])
    corrupt = ["--edit", "resid_post.3 = corrupt", "--corrupt", PENGUINS]
    stratoscope.fails(*command, *corrupt, says="texts.jsonl: line 2: the text has 1 tokens")


def test_texts_that_are_cut_are_counted(stratoscope):
    texts = write_texts(stratoscope, ["A", KAFKA * 40, KAFKA * 30])
    result = stratoscope.json("run", "--texts", texts, "--save", "a.npz", "--truncate")
    assert result["notes"] == ["2 of 3 texts were cut to 512 tokens, the model's context"]
    assert result["texts"] == 3 and result["tokens"] == 1 + 512 + 512


def test_texts_from_standard_input_and_from_a_pipe(stratoscope):
    texts = write_texts(stratoscope, TEXTS)
    stratoscope.succeeds("run", "--texts", texts, "--save", "file.safetensors")
    lines = (stratoscope.folder / texts).read_bytes()
    stratoscope.succeeds("run", "--texts", "-", "--save", "input.safetensors", text=lines)
    os.mkfifo(stratoscope.folder / "pipe")
    process = stratoscope.start("run", "--texts", "pipe", "--save", "pipe.safetensors")
    (stratoscope.folder / "pipe").write_bytes(lines)
    assert process.wait(TIME_LIMIT) == 0, process.communicate()
    process.communicate()
    saved = {(stratoscope.folder / f"{name}.safetensors").read_bytes() for name in ("file", "input", "pipe")}
    assert len(saved) == 1
    stratoscope.fails("run", "--texts", "-", "--save", "a.npz", text=b"\n", says="standard input: holds no text")
    stratoscope.fails("run", "--texts", "-", "--save", "a.npz", text=b"x", says="standard input: line 1")


@pytest.mark.parametrize("file", ["a.safetensors", "a.npz"])
def test_parts_of_a_pass_have_the_bits_of_the_whole(stratoscope, file):
    stratoscope.succeeds("run", KAFKA, "--save", "whole.npz", "--capture", "blocks.*.hook_mlp_out")
    keys = stratoscope.json("run", KAFKA, "--save", file, "--stop-at", "-8", "--capture", "blocks.*.hook_mlp_out")["keys"]
    rows = keys["input_ids"][0]
    assert keys["hidden_states"] == [5, rows, 192] and keys["residual"] == [rows, 192] and "logits" not in keys
    assert "blocks.3.hook_mlp_out" in keys and "blocks.4.hook_mlp_out" not in keys
    stratoscope.succeeds("run", "--start-at", 4, "--from", file, "--save", "rest.npz", "--capture", "blocks.*.hook_mlp_out")
    whole, part, rest = (load(stratoscope.folder / name) for name in ("whole.npz", file, "rest.npz"))
    np.testing.assert_array_equal(part["block_range"], [0, 4])
    np.testing.assert_array_equal(rest["block_range"], [4, 12])
    assert part["residual"].tobytes() == whole["hidden_states"][4].tobytes()
    states = np.concatenate([part["hidden_states"][:4], rest["hidden_states"]])
    assert states.tobytes() == whole["hidden_states"].tobytes()
    assert rest["logits"].tobytes() == whole["logits"].tobytes()
    for block in range(12):
        name = f"blocks.{block}.hook_mlp_out"
        assert (part if block < 4 else rest)[name].tobytes() == whole[name].tobytes()


def test_hidden_states_changed_by_a_reader_are_carried_on(stratoscope):
    """NumPy between two parts of a pass has the effect of an edit."""
    stratoscope.succeeds("run", PENGUINS, "--save", "a.npz", "--edit", "resid_pre.5[2] *= -2")
    stratoscope.succeeds("run", PENGUINS, "--save", "b.npz")
    arrays = load(stratoscope.folder / "b.npz")
    arrays["hidden_states"][5, 2] *= -2
    np.savez(stratoscope.folder / "c.npz", **arrays)
    stratoscope.succeeds("run", "--start-at", "5", "--from", "c.npz", "--save", "d.npz")
    edited, ours = load(stratoscope.folder / "a.npz"), load(stratoscope.folder / "d.npz")
    assert ours["logits"].tobytes() == edited["logits"].tobytes()


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["--stop-at", "13"], 1, "13 is out of range; blocks are 0 to 11, or -12 to -1"),
        (["--stop-at", "-13"], 1, "0 to 11, or -12 to -1"),
        (["--stop-at", "three"], 1, "'three'"),
        (["--stop-at", ""], 1, "stop-at"),
        (["--stop-at", "2", "--capture", "resid_mid.2"], 1, "blocks.2.hook_resid_mid is never computed"),
        (["--stop-at", "2", "--edit", "resid_mid.2 *= 2"], 1, "blocks.2.hook_resid_mid is never computed"),
        (["--start-at", "2"], 2, "--from"),
        (["--from", "a.npz"], 2, "--start-at"),
    ],
)
def test_a_part_that_is_not_there(stratoscope, options, status, says):
    stratoscope.fails("run", PENGUINS, "--save", "b.npz", *options, status=status, says=says)


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["--start-at", "12"], 1, ["after the final norm", "--stop-at 12"]),
        (["--start-at", "13"], 1, "0 to 11, or -12 to -1"),
        (["--start-at", "5", "--stop-at", "5"], 1, "no block runs"),
        (["--start-at", "5", "--stop-at", "3"], 1, "no block runs"),
        (["--start-at", "5", "--edit", "resid_mid.2 *= 2"], 1, "blocks.2.hook_resid_mid is never computed"),
        (["--start-at", "5", "--capture", "hook_embed"], 1, "hook_embed is never computed"),
        (["--start-at", "5", "--bos"], 2, "--bos"),
        (["--start-at", "5", "--truncate"], 2, "--truncate"),
        (["--start-at", "5", "--", "A text"], 2, "--from"),
    ],
)
def test_a_start_that_is_not_there(stratoscope, options, status, says):
    stratoscope.succeeds("run", "A", "--save", "a.npz")
    stratoscope.fails("run", "--from", "a.npz", "--save", "b.npz", *options, status=status, says=says)


def test_hidden_states_of_another_model_are_noted(stratoscope, forged):
    stratoscope.succeeds("run", "A wise man", "--save", "a.safetensors", "--model", forged)
    forged.change_tensors(lambda tensors: tensors["h.0.ln_1.bias"].fill(0.5))
    command = ["run", "--start-at", "1", "--from", "a.safetensors", "--save", "b.npz"]
    notes = stratoscope.json(*command, "--model", forged)["notes"]
    assert len(notes) == 1 and "another model" in notes[0]
    stratoscope.fails(*command, says="a.safetensors: ")


def test_texts_and_a_text_exclude_each_other(stratoscope):
    texts = write_texts(stratoscope, ["a"])
    stratoscope.fails("run", "A", "--texts", texts, "--save", "a.npz", status=2, says="--texts")


@pytest.mark.parametrize("name", ["a.txt", "a", ".npz", "a.npz.gz"])
def test_another_ending_is_refused(stratoscope, name):
    stratoscope.fails("run", "A", "--save", name, says=[".safetensors or .npz"])
