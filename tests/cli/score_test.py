"""score: perplexities and choices against NumPy on the logits that `run --save` gives, journals, and what people read."""
import json
import math
import signal
import time

import numpy as np
import pytest

import safetensors_io
from program import KAFKA, MODEL, PENGUINS, ROOT

PROMPTS = ROOT / "tests" / "prompts"
CHOICES = [json.loads(line) for line in (PROMPTS / "choices.jsonl").read_text().splitlines()]


def log_softmax(logits):
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def log_probs_of(stratoscope, text, *options):
    """Every token's id, and the log-probabilities of all tokens at each position."""
    stratoscope.succeeds("run", text, "--save", "x.npz", *options)
    with np.load(stratoscope.folder / "x.npz") as arrays:
        return arrays["input_ids"], log_softmax(arrays["logits"].astype(np.float64))


def nats_of(ids, log_probs, first=1):
    return -np.array([log_probs[i - 1, ids[i]] for i in range(first, len(ids))])


def write_texts(stratoscope, texts, name="t.jsonl"):
    (stratoscope.folder / name).write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return name


def test_a_corpus(stratoscope):
    texts = [KAFKA, PENGUINS, "Ein Käfer – über Nacht."]
    result = stratoscope.json("score", "--texts", write_texts(stratoscope, texts))
    assert result["context"] == 512 and result["stride"] == 256
    nats, count, size = 0, 0, 0
    for text, found in zip(texts, result["texts"]):
        ids, log_probs = log_probs_of(stratoscope, text)
        expected = nats_of(ids, log_probs)
        first = stratoscope.json("tokens", text)["offsets"][0][1]
        assert found["tokens"] == len(expected) and found["bytes"] == len(text.encode()) - first
        assert found["nats"] == pytest.approx(expected.sum(), rel=1e-9)
        assert found["mean_loss"] == pytest.approx(expected.mean(), rel=1e-9)
        assert found["perplexity"] == pytest.approx(math.exp(expected.mean()), rel=1e-9)
        assert found["bits_per_byte"] == pytest.approx(expected.sum() / math.log(2) / found["bytes"], rel=1e-9)
        nats, count, size = nats + found["nats"], count + found["tokens"], size + found["bytes"]
    assert result["total"]["tokens"] == count and result["total"]["bytes"] == size
    assert result["total"]["nats"] == pytest.approx(nats) and result["total"]["perplexity"] == pytest.approx(math.exp(nats / count))
    assert stratoscope.json("score", KAFKA)["total"]["nats"] == result["texts"][0]["nats"], "as alone"


def test_a_text_file_is_one_text(stratoscope):
    text = KAFKA + "\n" + PENGUINS + "\n"
    (stratoscope.folder / "a.txt").write_text(text, encoding="utf-8")
    whole = stratoscope.json("score", "--texts", "a.txt")
    assert len(whole["texts"]) == 1 and whole["total"] == stratoscope.json("score", text)["total"]
    with_first = stratoscope.json("score", "--texts", "a.txt", "--bos")
    assert with_first["total"]["bytes"] == len(text.encode()) and with_first["total"]["tokens"] == whole["total"]["tokens"] + 1


def test_shorter_strides_see_more(stratoscope):
    text = " ".join([KAFKA + "."] * 6)
    losses = [stratoscope.json("score", text, "--context", 32, "--stride", stride)["total"] for stride in (31, 16, 4)]
    assert len({loss["tokens"] for loss in losses}) == 1
    assert losses[0]["nats"] > losses[1]["nats"] > losses[2]["nats"]
    assert stratoscope.json("score", text, "--context", 32)["stride"] == 16


def test_edits(stratoscope):
    edit = ["--edit", "blocks.4.hook_mlp_out[3:] *= 0"]
    result = stratoscope.json("score", KAFKA, *edit)
    ids, clean = log_probs_of(stratoscope, KAFKA)
    _, edited = log_probs_of(stratoscope, KAFKA, *edit)
    before, after = nats_of(ids, clean), nats_of(ids, edited)
    kl = (np.exp(clean) * (clean - edited)).sum(-1)[:-1]
    total = result["total"]
    assert total["nats"] == pytest.approx(after.sum(), rel=1e-9) and total["clean"]["nats"] == pytest.approx(before.sum(), rel=1e-9)
    assert total["loss_difference"] == pytest.approx((after - before).mean(), rel=1e-6)
    assert total["mean_kl"] == pytest.approx(kl.mean(), rel=1e-6) and result["effect"]["kl"] == pytest.approx(kl.max(), rel=1e-6)
    stratoscope.fails("score", KAFKA, "--edit", "blocks.99.hook_mlp_out *= 0", says="99")
    stratoscope.fails("score", KAFKA, "--edit", "blocks.4.hook_mlp_out[900] *= 0", says="900 is out of range")


def test_two_models(stratoscope, forged, tiny_model):
    forged.change_tensors(lambda tensors: tensors["ln_f.weight"].__imul__(np.float32(0.5)))
    result = stratoscope.json("score", "abcdef", "--model", tiny_model, "--against", forged)
    _, p = log_probs_of(stratoscope, "abcdef", "--model", tiny_model)
    ids, q = log_probs_of(stratoscope, "abcdef", "--model", forged)
    total = result["total"]
    assert total["nats"] == pytest.approx(nats_of(ids, p).sum(), rel=1e-6)
    assert total["against"]["nats"] == pytest.approx(nats_of(ids, q).sum(), rel=1e-6)
    assert total["mean_kl"] == pytest.approx((np.exp(p) * (p - q)).sum(-1)[:-1].mean(), rel=1e-6) and total["mean_kl"] > 1e-6
    stratoscope.fails("score", "abcdef", "--against", tiny_model, says="other tokens")
    stratoscope.fails("score", "abcdef", "--against", "no-such-model", says="no-such-model")
    stratoscope.fails("score", "abcdef", "--against", forged, "--edit", "blocks.0.hook_mlp_out *= 0", status=2, says="--against")


def expected_choices(stratoscope, item):
    text, choices = item.get("text", item.get("ctx")), item.get("choices", item.get("endings"))
    for choice in choices:
        ids, log_probs = log_probs_of(stratoscope, text + ("" if choice.startswith(" ") else " ") + choice)
        first = stratoscope.json("tokens", text)["count"]
        log_prob = -nats_of(ids, log_probs, first).sum()
        yield len(ids) - first, log_prob, log_prob / (len(ids) - first), log_prob / len(choice.encode())


def test_choices(stratoscope):
    result = stratoscope.json("score", "--choices", PROMPTS / "choices.jsonl")
    right = np.zeros(3)
    for item, found in zip(CHOICES, result["items"]):
        expected = np.array(list(expected_choices(stratoscope, item)))
        got = [[one[key] for key in ("tokens", "log_prob", "per_token", "per_byte")] for one in found["choices"]]
        np.testing.assert_allclose(got, expected, rtol=1e-9)
        best = expected[:, 1:].argmax(0)
        assert [found["best"][key] for key in ("sum", "per_token", "per_byte")] == list(best)
        label = item.get("label")
        assert found["label"] == (None if label is None else int(label))
        if label is not None:
            right += best == int(label)
    assert result["labelled"] == 2 and result["chance"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 3)
    assert [result["accuracy"][key] for key in ("sum", "per_token", "per_byte")] == pytest.approx(right / 2)
    edited = stratoscope.json("score", "--choices", PROMPTS / "choices.jsonl", "--edit", "blocks.4.hook_mlp_out *= 0")
    assert edited["clean_accuracy"] == result["accuracy"] and edited["mean_kl"] > 0
    for clean, item in zip(result["items"], edited["items"]):
        assert [one["clean"]["log_prob"] for one in item["choices"]] == [one["log_prob"] for one in clean["choices"]]


def test_choices_without_labels(stratoscope):
    (stratoscope.folder / "c.jsonl").write_text(json.dumps(CHOICES[2]) + "\n")
    result = stratoscope.json("score", "--choices", "c.jsonl")
    assert result["labelled"] == 0 and result["accuracy"] == {"sum": None, "per_token": None, "per_byte": None}
    assert "accuracy" not in stratoscope.prints("score", "--choices", "c.jsonl")
    stratoscope.succeeds("score", "--choices", "c.jsonl", "--figure", "x.svg")


def test_a_journal_is_resumed(stratoscope):
    texts = write_texts(stratoscope, [" ".join([KAFKA + "."] * 3), PENGUINS])
    arguments = ["score", "--texts", texts, "--context", 24, "--stride", 10, "--edit", "blocks.4.hook_mlp_out *= 0.5"]
    alone = stratoscope.json(*arguments)
    assert stratoscope.json(*arguments, "--resume", "j") == alone
    lines = (stratoscope.folder / "j").read_text().splitlines(keepends=True)
    assert len(lines) > 5 and json.loads(lines[0])["score"] == 1
    # A window in the middle has other numbers, and the last lines are missing, one of them in part.
    changed = json.loads(lines[3])
    changed[2] += 1000
    (stratoscope.folder / "j").write_text("".join([*lines[:3], json.dumps(changed) + "\n", lines[4][:20]]))
    resumed = stratoscope.json(*arguments, "--resume", "j")
    assert resumed["total"]["nats"] == pytest.approx(alone["total"]["nats"] + 1000), "known windows are not run again"
    (stratoscope.folder / "j").write_text("".join(lines[:3]))
    assert stratoscope.json(*arguments, "--resume", "j") == alone
    assert sorted((stratoscope.folder / "j").read_text().splitlines()) == sorted("".join(lines).splitlines())
    stratoscope.fails("score", PENGUINS, "--resume", "j", says="belongs to another score: 'edits' differs")
    stratoscope.fails(*arguments[:-1], "blocks.4.hook_mlp_out *= 0.6", "--resume", "j", says="'edits' differs")
    (stratoscope.folder / "k").write_text('{"sweep": 1}\n')
    stratoscope.fails(*arguments, "--resume", "k", says="is not the journal of a score")


def test_an_interrupted_score_is_resumed(stratoscope):
    texts = write_texts(stratoscope, [" ".join([KAFKA + "."] * 18)] * 60)
    journal = stratoscope.folder / "j"
    process = stratoscope.start("score", "--texts", texts, "--resume", "j", "--threads", 1)
    end = time.monotonic() + 60
    while time.monotonic() < end and not (journal.exists() and journal.read_text().count("\n") > 1):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0 and "the same command resumes" in err.decode()
    assert 1 < journal.read_text().count("\n") < 61
    result = stratoscope.json("score", "--texts", texts, "--resume", "j")
    assert len(result["texts"]) == 60 and len({text["nats"] for text in result["texts"]}) == 1


def test_precisions_and_threads(stratoscope):
    arguments = ["score", KAFKA, "--edit", "blocks.4.hook_mlp_out *= 0.5"]
    assert stratoscope.json(*arguments, "--threads", 1) == stratoscope.json(*arguments, "--threads", 3)
    exact = stratoscope.json(*arguments, "--precision", "fp64")["total"]
    assert exact["nats"] == pytest.approx(stratoscope.json(*arguments)["total"]["nats"], rel=1e-5)


def test_what_people_read(stratoscope):
    texts = write_texts(stratoscope, [KAFKA, PENGUINS, "a"])
    done = stratoscope.succeeds("score", "--texts", texts)
    for part in ("windows of 512 tokens, one each 256", "perplexity", "bits per byte", "all"):
        assert part in done.out, done.out
    assert any("1 of 3 texts have fewer than two tokens" in text for text in done.warnings) and "nan" not in done.out
    shown = stratoscope.prints("score", "--choices", PROMPTS / "choices.jsonl")
    assert "2 items with labels; guesses have 0.4444" in shown and "per byte" in shown
    for arguments in (["--texts", texts], ["--choices", PROMPTS / "choices.jsonl"], [KAFKA, "--edit", "L3H1 = 0"], ["a"]):
        stratoscope.run("score", *arguments, "--figure", "x.svg")
        assert "<svg" in (stratoscope.folder / "x.svg").read_text()
        (stratoscope.folder / "x.svg").unlink()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--context", "1"], "window of 1 tokens"),
        (["--context", "5000"], "--context is 2 to 512"),
        (["--context", "8", "--stride", "8"], "--stride is 1 to 7"),
    ],
)
def test_windows_that_are_none(stratoscope, arguments, says):
    stratoscope.fails("score", PENGUINS, *arguments, "--json", says=says)


def test_usage(stratoscope):
    texts = write_texts(stratoscope, [KAFKA])
    stratoscope.fails("score", PENGUINS, "--texts", texts, status=2, says="more than one of")
    stratoscope.fails("score", "--choices", PROMPTS / "choices.jsonl", "--stride", "3", status=2, says="no windows")
    stratoscope.fails("score", "--choices", texts, says='no "choices"')
