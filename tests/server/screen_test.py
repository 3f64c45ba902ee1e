"""Requests that only the page sends: comparisons, the last token, figures of the page."""
import json

import numpy as np
import pytest

from serving import TEXT

EDITS = ["blocks.3.hook_resid_post *= 0.5", "blocks.5.attn.hook_z.head[1] = zero"]
FIGURE = {
    "title": "A <title> & more",
    "note": "Text: `id` · Model: m",
    "panels": [
        {
            "x": {"title": "x", "ticks": ["a", "b\\"]},
            "y": {"ticks": ["'c'", "d"]},
            "marks": [{"type": "heatmap", "values": [[1, None], [-2, 3]], "texts": [["p", "q"], ["r", "$(s)"]]}],
        }
    ],
    "color": {"map": "diverging", "title": "change", "low": -3, "high": 3},
}
CURVE = {
    "title": "curve",
    "panels": [
        {
            "x": {"ticks": ["0", "1"]},
            "marks": [{"type": "reference", "label": "clean", "y": 1}, {"type": "line", "x": [0, 1], "y": [1, 2], "markers": True}],
        },
        {"y": {"ticks": ["a", "b"]}, "x": {"range": [0, 2]}, "marks": [{"type": "bars", "values": [1, 2], "horizontal": True}]},
        {"x": {"ticks": ["a", "b"]}, "marks": [{"type": "points", "columns": [[1, 2], [3, 4]]}]},
    ],
}


@pytest.mark.parametrize("path, name", [("/api/predict", "position"), ("/api/activations", "token")])
def test_the_last_token_is_minus_one(server, path, name):
    count = server.post("/api/tokens", {"text": TEXT}).json()["count"]
    assert server.post(path, {"text": TEXT, name: -1}).json() == server.post(path, {"text": TEXT, name: count - 1}).json()
    for wrong in (-count - 1, count, 0.5, "nowhere"):
        assert server.post(path, {"text": TEXT, name: wrong}).status == 400


def test_the_lens_compares_the_tokens_that_it_lists(server):
    body = {"text": TEXT, "edits": EDITS, "top": 3}
    both = server.post("/api/lens", body | {"compare": True}).json()
    edited = server.post("/api/lens", body).json()
    clean = server.post("/api/lens", {"text": TEXT, "top": 100}).json()
    for with_both, alone, of_clean in zip(both["layers"], edited["layers"], clean["layers"]):
        for i, cell in enumerate(with_both["positions"]):
            assert [{**p, "clean_prob": None} for p in cell] == [{**p, "clean_prob": None} for p in alone["positions"][i]]
            known = {p["id"]: p["prob"] for p in of_clean["positions"][i]}
            assert all(p["clean_prob"] == known.get(p["id"], p["clean_prob"]) for p in cell)
            summary = with_both["summary"][i]
            assert {name: summary[name] for name in alone["summary"][i]} == alone["summary"][i]
            assert summary["clean"]["entropy"] == of_clean["summary"][i]["entropy"] and summary["clean"]["kl"] == of_clean["summary"][i]["kl"]


def test_the_profile_is_compared(server):
    body = {"text": TEXT, "edits": EDITS}
    profile = server.post("/api/similarity", body | {"profile": True, "compare": True}).json()
    changes = [np.array(edited["values"]) - np.array(clean["values"]) for edited, clean in zip(profile["layers"], profile["clean"]["layers"])]
    np.testing.assert_allclose(profile["median_changes"], np.median(changes, axis=1), atol=1e-12)
    thinned = server.post("/api/similarity", body | {"profile": True, "compare": True, "most_pairs": 10}).json()
    assert thinned["pairs"] == len(profile["layers"][0]["values"]) and len(thinned["layers"][0]["values"]) <= 10
    assert [layer["median"] for layer in thinned["layers"]] == [layer["median"] for layer in profile["layers"]]


@pytest.mark.parametrize("wrong", ["blocks.99.hook_resid_post *= 2", "blocks.0.hook_resid_post[77] *= 2", "blocks.0.hook_resid_post *= null", "blocks.0.hook_resid_post = corrupt", "blocks.0.hook_resid_post += x.npy"])
def test_an_error_names_the_edit(server, wrong):
    for number, edits in ((1, [wrong, *EDITS]), (3, [*EDITS, wrong])):
        answer = server.post("/api/predict", {"text": TEXT, "edits": edits})
        assert answer.status == 400 and answer.json()["error"]["where"] == f"edit {number}"


@pytest.mark.parametrize("figure", [FIGURE, CURVE])
@pytest.mark.parametrize("form, start", [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("vl.json", b"{"), ("csv", b"panel,")])
def test_a_screen_is_drawn(server, figure, form, start):
    answer = server.post(f"/api/figure?figure={form}", figure)
    assert answer.status == 200 and answer.body.startswith(start)
    if form == "svg":
        title = figure["title"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert f"<title>{title}</title>" in answer.body.decode() and "Gnuplot</title>" not in answer.body.decode()


def change(figure, **fields):
    panel = figure["panels"][0]
    return figure | {"panels": [panel | {"marks": [panel["marks"][0] | fields]}]}


@pytest.mark.parametrize("figure", [
    None,
    7,
    {"title": "x"},
    FIGURE | {"nonsense": 1},
    FIGURE | {"panels": [FIGURE["panels"][0]] * 17},
    FIGURE | {"color": {"map": "rainbow", "low": 0, "high": 1}},
    FIGURE | {"color": {"map": "plasma", "low": 1, "high": 0}},
    FIGURE | {"color": {"map": "plasma"}},
    change(FIGURE, type="spiral"),
    change(FIGURE, values=[[1, 2], [3]]),
    change(FIGURE, values=[]),
    change(FIGURE, values=[[]]),
    change(FIGURE, values="x"),
    change(FIGURE, values=[["x"]]),
    change(FIGURE, texts=[["x"]]),
    change(FIGURE, values=[[0] * 1000] * 201),
    change(FIGURE, values=[[0] * 100_000] + [[]] * 99_000),
    change(FIGURE, values=[[0]] + [[]] * 200_000),
    change(FIGURE, texts=[[]] * 200_001),
    change(CURVE, type="line", x=[1], y=[1, 2]),
])
def test_invalid_figures_are_rejected(server, figure):
    answer = server.post("/api/figure?figure=svg", json.dumps(figure))
    assert answer.status == 400 and answer.error
    assert server.post("/api/figure?figure=json", FIGURE).status == 400
    assert server.post("/api/figure", FIGURE).body == server.post("/api/figure?figure=svg&theme=light", FIGURE).body
