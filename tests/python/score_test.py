"""score from Python: the program's document, and windows against runs of their tokens."""
import json

import numpy as np
import pytest
import stratoscope as st
from conftest import SAMSA, SENTENCE, command_line

ITEMS = [
    {"ctx": "The old man gave his crown to the young", "endings": ["man.", "penguin."], "label": "0", "ind": 3},
    {"text": "Once upon", "choices": [" a time", " an sun"]},
]


def test_the_document_is_the_programs(model, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in (SAMSA, SENTENCE)), encoding="utf-8")
    edit = "blocks.3.hook_mlp_out *= 0.5"
    result = model.score(texts=[SAMSA, SENTENCE], context=12, edits=edit)
    assert result.json == command_line("score", "--texts", path, "--context", 12, "--edit", edit)
    assert model.edited(edit).score(texts=[SAMSA, SENTENCE], context=12).json == result.json
    assert [row["text"] for row in result.rows] == [0, 1]
    assert result["row_offsets"][-1] == len(result.values) == len(result["kl"]) == result.json["total"]["tokens"]
    items = tmp_path / "c.jsonl"
    items.write_text("".join(json.dumps(item) + "\n" for item in ITEMS), encoding="utf-8")
    chosen = model.score(choices=ITEMS)
    assert chosen.json == command_line("score", "--choices", items)
    assert chosen.values.shape == (2, 2) and len(chosen.rows) == 4


@pytest.mark.parametrize("stride", [1, 5, 15])
def test_windows_are_runs_of_their_tokens(model, stride):
    text = " ".join([SAMSA + "."] * 3)
    ids = [int(token) for token in model.tokenize(text).ids]
    found = model.score(text, context=16, stride=stride).values
    expected, begin, scored = [], 0, 1
    while scored < len(ids):
        window = ids[begin : begin + 16]
        log_probs = st.log_softmax(model.run(window).logits)
        expected += [-log_probs[token - begin - 1, ids[token]] for token in range(scored, begin + len(window))]
        scored, begin = begin + len(window), begin + stride
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_model_against_itself(model):
    result = model.score(SENTENCE, against="novella-7m")
    np.testing.assert_array_equal(result.values, result["other_nats"])
    assert not result["kl"].any() and result.values.any()


def test_wrong_calls(model):
    with pytest.raises(st.Error, match="text"):
        model.score()
    with pytest.raises(st.Error, match="more than one of"):
        model.score(SENTENCE, texts=[SENTENCE])
    with pytest.raises(st.Error, match="choices"):
        model.score(choices=[{"text": "a", "choices": ["b"]}])
