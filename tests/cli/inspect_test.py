"""`info` and `tokens`: information before a run."""
import pytest

from program import KAFKA, MODEL, PENGUINS

POINTS_OF_A_BLOCK = 20


def test_info_gives_the_architecture(stratoscope):
    info = stratoscope.json("info")
    assert info["model"]["name"] == "novella-7m"
    assert info["parameters"] == 7009920
    assert info["dtype"] == "F16"
    sizes = {"n_layers": 12, "n_heads": 6, "d_model": 192, "d_head": 32, "d_mlp": 768, "n_ctx": 512, "d_vocab": 8192}
    assert info["config"].items() >= sizes.items()
    assert info["config"]["architecture"] == "gpt2"
    assert info["config"]["activation"] == "gelu_new"


def test_info_lists_every_hook_point_in_firing_order(stratoscope):
    points = {point["name"]: point["shape"] for point in stratoscope.json("info")["hook_points"]}
    assert len(points) == 2 + 12 * POINTS_OF_A_BLOCK + 4
    assert list(points)[:3] == ["hook_embed", "hook_pos_embed", "blocks.0.hook_resid_pre"]
    assert list(points)[-1] == "unembed.hook_out"
    assert points["blocks.11.attn.hook_q"] == ["pos", 6, 32]
    assert points["blocks.0.attn.hook_pattern"] == [6, "pos", "pos"]
    assert points["blocks.5.attn.hook_result"] == ["pos", 6, 192]
    assert points["blocks.5.ln1.hook_scale"] == ["pos", 1]
    assert points["blocks.5.mlp.hook_post"] == ["pos", 768]
    assert points["unembed.hook_out"] == ["pos", 8192]


def test_info_says_of_every_hook_point_what_its_axes_count_and_where_it_is(stratoscope):
    info = stratoscope.json("info")
    lengths = {"pos": "pos", "key": "pos", "head": info["config"]["n_heads"], "one": 1, **info["config"]}
    blocks = set()
    for point in info["hook_points"]:
        assert point["shape"] == [lengths[axis] for axis in point["axes"]], point
        block = point["name"].split(".")[1] if point["name"].startswith("blocks.") else None
        assert (point["scope"] == "block") == (block is not None), point
        blocks.add(block)
    assert blocks == {None, *map(str, range(info["config"]["n_layers"]))}
    points = {point["name"]: point for point in info["hook_points"]}
    assert points["blocks.3.attn.hook_q"]["axes"] == ["pos", "head", "d_head"]
    assert points["blocks.11.attn.hook_pattern"]["axes"] == ["head", "pos", "key"]
    assert points["ln_final.hook_scale"]["axes"] == ["pos", "one"]
    scopes = [point["scope"] for point in info["hook_points"]]
    assert scopes == ["before_blocks"] * 2 + ["block"] * 12 * POINTS_OF_A_BLOCK + ["after_blocks"] * 4


def test_info_for_people_shows_one_block_for_all(stratoscope):
    text = stratoscope.prints("info")
    assert text.startswith("novella-7m (")
    for part in ("7009920", "gelu_new", "i is 0 to 11", "blocks.i.hook_resid_post", "[pos, 192]", "[6, pos, pos]"):
        assert part in text
    assert "blocks.0." not in text
    assert "\n\n\n" not in text


def test_tokens_are_the_goldens(stratoscope, golden_json):
    for entry in golden_json("tokens"):
        assert stratoscope.json("tokens", text=entry["text"])["ids"] == entry["ids"], entry["text"][:60]


@pytest.mark.parametrize("text", [PENGUINS, "naïve 🙂 café\n\n", "<|endoftext|> once", "a\tb  c", "日本語"])
def test_tokens_tile_the_text(stratoscope, text):
    tokens = stratoscope.json("tokens", text=text)
    data = text.encode()
    ends = [end for _, end in tokens["offsets"]]
    assert [begin for begin, _ in tokens["offsets"]] == [0, *ends[:-1]]
    assert ends[-1] == len(data)
    for token, (begin, end) in zip(tokens["tokens"], tokens["offsets"]):
        assert token.replace("\ufffd", "") in text
        assert token == data[begin:end].decode("utf-8", "replace") or "\ufffd" in token
    assert tokens["text"] == text
    assert tokens["count"] == len(tokens["ids"]) == len(tokens["tokens"]) == len(tokens["offsets"])
    assert tokens["unique"] == len(set(tokens["ids"]))
    assert tokens["characters"] == len(text)
    assert tokens["unique_characters"] == len(set(text))


def test_tokens_for_people(stratoscope):
    lines = stratoscope.prints("tokens", PENGUINS).splitlines()
    assert lines[0] == "novella-7m, 10 tokens"
    assert [line.split() for line in lines if "Penguins" in line] == [["6", "8188", "21:30", "“", "Penguins”"]]
    assert lines[-2:] == ["40 characters, 19 different", "10 tokens, 10 different"]


def test_one_token_is_one_token(stratoscope):
    assert stratoscope.prints("tokens", "A").startswith("novella-7m, 1 token\n")


def test_tokens_shows_line_breaks_and_tabs(stratoscope):
    text = stratoscope.prints("tokens", "a\n\tb")
    assert "↵" in text and "⇥" in text


def test_tokens_has_no_limit(stratoscope):
    assert stratoscope.json("tokens", text=(KAFKA + ". ") * 400)["count"] > 512


def test_tokens_of_nothing(stratoscope):
    tokens = stratoscope.json("tokens", "")
    assert (tokens["count"], tokens["ids"], tokens["characters"]) == (0, [], 0)


def test_bos_is_said(stratoscope):
    tokens = stratoscope.json("tokens", "A", "--bos")
    assert tokens["ids"] == [8191, 32]
    assert tokens["offsets"] == [[0, 0], [0, 1]]
    assert "<|endoftext|>" in tokens["notes"][0]
    assert "note: the beginning-of-text token <|endoftext|> was put first" in stratoscope.prints("tokens", "A", "--bos")


def test_a_folder_is_a_model_too(stratoscope):
    by_folder, by_name = stratoscope.json("info", "--model", MODEL), stratoscope.json("info")
    assert by_folder["model"] == by_name["model"]


def test_models_of_the_hugging_face_cache_are_found(stratoscope, tiny_model):
    repository = stratoscope.home / "hub" / "models--someone--tiny"
    (repository / "snapshots").mkdir(parents=True)
    (repository / "snapshots" / "abc").symlink_to(tiny_model)
    for name in ("someone/tiny", "tiny"):
        result = stratoscope.run("info", "--model", name, env={"HF_HOME": stratoscope.home})
        assert result.status == 0, result.err
        assert result.out.startswith("someone/tiny (")
