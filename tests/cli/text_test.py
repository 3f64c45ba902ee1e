"""The ways in which a text reaches the program, and refused texts."""
import os
import pty

import pytest

from program import KAFKA

LONG = " ".join([KAFKA] * 30)
READERS = [
    ["predict"],
    ["activations"],
    ["similarity", "--profile"],
    ["sweep", "--edit", "hook_embed *= 1", "--metric", "kl"],
    ["verify"],
    ["run", "--save", "x.npz"],
    ["demo"],
]
NEED_TEXT = [["tokens"], *READERS[:-1]]  # demo has texts of its own


@pytest.mark.parametrize(
    "text", ["A wise man\n", "\n", "   ", "[a,b]", "[]", "{}", "%s %n", "'quoted'", '"quoted"', "`ls`", "\\n", "é\r\n"]
)
def test_a_text_is_taken_byte_for_byte(stratoscope, text):
    assert stratoscope.json("tokens", text)["text"] == text
    assert stratoscope.json("tokens", text=text)["text"] == text
    assert stratoscope.json("tokens", "-", text=text)["text"] == text


def test_a_zero_byte_on_standard_input_is_text(stratoscope):
    tokens = stratoscope.json("tokens", text=b"a\0b")
    assert (tokens["text"], tokens["characters"]) == ("a\0b", 3)


@pytest.mark.parametrize("text", ["-x", "--json", "--", "-1", "--bos"])
def test_after_two_dashes_everything_is_text(stratoscope, text):
    assert f"{len(text)} characters" in stratoscope.prints("tokens", "--", text)


@pytest.mark.parametrize("text", ["[a,b]", "[]", "a = b", "Where is block 3?"])
def test_a_text_may_stand_behind_a_list_of_values(stratoscope, text):
    count = stratoscope.json("tokens", text)["count"]
    keys = stratoscope.json("run", "--save", "x.npz", "--capture", "hook_embed", "hook_pos_embed", text)["keys"]
    assert keys["hook_embed"] == keys["hook_pos_embed"] == [count, 192]
    sweep = ["sweep", "--metric", "kl", "--edit", "blocks.{layer}.hook_mlp_out[{x}] = 0", "--over", "layer=0,1", "x=0"]
    last = stratoscope.json(*sweep, text)
    assert last["results"] == stratoscope.json("sweep", text, *sweep[1:])["results"] and len(last["results"]) == 2


def test_an_option_never_becomes_text(stratoscope):
    stratoscope.fails("tokens", "-x", status=2, says="-x")


def test_the_text_is_missing_on_a_terminal(stratoscope):
    for command in NEED_TEXT:
        ours, theirs = pty.openpty()
        try:
            stratoscope.fails(*command, stdin=theirs, status=2, says="TEXT")
        finally:
            os.close(ours)
            os.close(theirs)


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_empty_text_is_refused(stratoscope, command):
    stratoscope.fails(*command, "", says=["text: is empty", "--bos"])
    stratoscope.fails(*command, "-", "--json", text="", says="text: is empty")


def test_with_bos_empty_text_is_one_token(stratoscope):
    assert stratoscope.json("predict", "", "--bos")["position"] == 0


@pytest.mark.parametrize(
    ("text", "offset"),
    [(b"\xff", 0), (b"ab\xc3", 2), (b"ab\xc0\xaf", 2), (b"a\xed\xa0\x80", 1), (b"\xf4\x90\x80\x80", 0), (b"\n\x80", 1)],
)
def test_invalid_utf8_is_refused_with_its_offset(stratoscope, text, offset):
    says = ["not UTF-8", f"byte offset {offset} "]
    stratoscope.fails("tokens", text, says=says)
    stratoscope.fails("tokens", text=text, says=says)
    stratoscope.fails("predict", "-", "--json", text=text, says=says)


def test_invalid_utf8_in_a_target_is_refused(stratoscope):
    edit = ["--edit", "blocks.0.hook_resid_post *= 1"]
    stratoscope.fails("sweep", "A", *edit, "--target", b"ab\xff", says=["not UTF-8", "byte offset 2 "])


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_a_text_beyond_the_context_is_refused_with_its_length(stratoscope, command):
    count = stratoscope.json("tokens", LONG)["count"]
    stratoscope.fails(*command, LONG, says=[f"{count} tokens", "context of 512", "--truncate"])


def test_truncate_cuts_at_the_context_and_says_so(stratoscope):
    count = stratoscope.json("tokens", LONG)["count"]
    cut = stratoscope.json("predict", LONG, "--truncate")
    assert cut["position"] == 511
    assert cut["notes"] == [f"the text was cut from {count} to 512 tokens, the model's context"]
    assert f"note: the text was cut from {count} to 512 tokens" in stratoscope.prints("predict", LONG, "--truncate")


def test_bos_counts_towards_the_context(stratoscope, tiny_model):
    full = " ".join("~" for _ in range(32))[:-1] + "~"
    count = stratoscope.json("tokens", full, "--model", tiny_model)["count"]
    text = full + "~" * (64 - count)
    assert stratoscope.json("predict", text, "--model", tiny_model)["position"] == 63
    stratoscope.fails("predict", text, "--bos", "--model", tiny_model, says="65 tokens")
    cut = stratoscope.json("predict", text, "--bos", "--truncate", "--model", tiny_model)
    assert len(cut["notes"]) == 2


def test_bos_is_the_first_token_of_a_run(stratoscope):
    plain = stratoscope.json("activations", "A wise man", "--token", "-1")
    with_bos = stratoscope.json("activations", "A wise man", "--token", "-1", "--bos")
    assert (plain["token"]["index"], with_bos["token"]["index"]) == (2, 3)
    assert plain["layers"][0]["variance"] != with_bos["layers"][0]["variance"]  # the position differs


def test_truncate_changes_nothing_that_fits(stratoscope):
    cut, whole = (stratoscope.json("predict", "A wise man", *more) for more in ([], ["--truncate"]))
    assert cut == whole


def end_of(text, tokens, stratoscope, model):
    """The text's last tokens, as text; each of its bytes is a token."""
    offsets = stratoscope.json("tokens", text, "--model", model)["offsets"]
    return text[offsets[-tokens][0] :]


@pytest.mark.parametrize("bos", [[], ["--bos"]], ids=["plain", "bos"])
@pytest.mark.parametrize("max_new", [1, 7, 63])
def test_what_continues_a_text_keeps_its_end(stratoscope, tiny_model, max_new, bos):
    text = "".join(chr(ord("!") + i % 90) for i in range(300))
    count = stratoscope.json("tokens", text, "--model", tiny_model)["count"]
    most = max(64 - max_new, 2 if bos else 1)
    kept = most - len(bos)
    command = ["--max-new", max_new, "--model", tiny_model, "--ignore-end", *bos]
    whole = stratoscope.json("generate", end_of(text, kept, stratoscope, tiny_model), *command)
    cut = stratoscope.json("generate", text, "--truncate", *command)
    note = cut.pop("notes")[-1]
    assert note.startswith(f"the first {count - kept} of {count + len(bos)} tokens were cut") and f" {max_new} new " in note
    whole.pop("notes", None)
    assert cut == whole
    assert cut["stopped"] == ("length" if most + max_new <= 64 else "context")
    assert note in stratoscope.prints("generate", text, "--truncate", *command)


def test_more_new_tokens_than_the_context_holds_leave_half_of_it(stratoscope, tiny_model):
    cut = stratoscope.json("generate", "!" * 300, "--truncate", "--max-new", 1000, "--model", tiny_model)
    assert cut["prompt"] == "!" * 32


def test_a_text_that_leaves_room_is_not_cut(stratoscope, tiny_model):
    command = ["generate", "~!" * 10, "--max-new", 44, "--model", tiny_model]
    assert stratoscope.json(*command, "--truncate") == stratoscope.json(*command)
    stratoscope.fails(*command[:1], "", *command[2:], "--truncate", says="text: is empty")


def test_steering_keeps_the_end_too(stratoscope, tiny_model):
    text = "".join(chr(ord("!") + i % 90) for i in range(300))
    command = ["--positive", "~", "--negative", "!", "--max-new", 4, "--model", tiny_model]
    stratoscope.fails("steer", text, *command, says="--truncate")
    cut = stratoscope.json("steer", text, *command, "--truncate")
    assert "room for 4 new" in cut.pop("notes")[0]
    assert cut == stratoscope.json("steer", end_of(text, 60, stratoscope, tiny_model), *command)
    stratoscope.fails("steer", "~", "--positive", text, "--negative", "!", "--truncate", "--model", tiny_model,
                      says="positive prompt 0: has")
