"""POST /api/EXPERIMENT: the document of the command line's --json, byte for byte but for spaces, and its figure."""
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from serving import PROGRAM, TEXT

EDITS = ["blocks.3.hook_resid_post *= 0.5", "blocks.5.attn.hook_z.head[1] = mean"]
EDITED = [*("--edit", EDITS[0]), *("--edit", EDITS[1])]
TARGET = ["--target", " and"]

PROMPTS = Path(__file__).resolve().parents[1] / "prompts"

# Of each experiment: the body, and the same on a command line.
CASES = {
    "tokens": ({"text": TEXT, "bos": True}, [TEXT, "--bos"]),
    "tokens of texts": ({"text": TEXT, "more": ["Zwei", "💧"], "labels": ["a", "b", "c"]}, [TEXT, "Zwei", "💧", "--labels", "a,b,c"]),
    "info": ({}, []),
    "predict": ({"text": TEXT, "edits": EDITS, "top": 3, "position": -2, "all": True},
                [TEXT, *EDITED, "--top", "3", "--position", "-2", "--all"]),
    "score": ({"texts": ["I love it.", "A fine day"], "context": 3, "stride": 2, "edits": EDITS[:1]},
              ["--texts", PROMPTS / "texts.jsonl", "--context", "3", "--stride", "2", *EDITED[:2]]),
    "heatmap": ({"text": TEXT, "edits": EDITS, "rows": ["surprisal", "L5H3[from -1]", "mlp_post.2.dim[3]"], "compare": True},
                [TEXT, *EDITED, "--by", "surprisal", "--by", "L5H3[from -1]", "--by", "mlp_post.2.dim[3]", "--compare"]),
    "predict by ids": ({"ids": [3, 17, 300], "temperatures": [0.5, 2], "draw": "temperatures"},
                       ["--ids", "3,17,300", "--temperatures", "0.5,2", "--draw", "temperatures"]),
    "generate samples": ({"text": "Penguins are", "max_new": 5, "temperature": 1, "samples": 2},
                         ["Penguins are", "--max-new", "5", "--temperature", "1", "--samples", "2"]),
    "activations": ({"text": TEXT, "edits": EDITS, "token": "cute"}, [TEXT, *EDITED, "--token", "cute"]),
    "distributions": ({"text": TEXT, "hooks": ["hook_q", "mlp.hook_post[-1]"], "edits": EDITS, "compare": True, "bins": 7},
                      [TEXT, "--at", "hook_q", "mlp.hook_post[-1]", *EDITED, "--compare", "--bins", "7"]),
    "similarity": ({"text": TEXT, "across": "tokens", "layers": [0, -1]}, [TEXT, "--across", "tokens", "--layers", "0,-1"]),
    "sweep": ({"text": TEXT, "edits": ["blocks.{layer}.hook_mlp_out *= {factor}"], "axes": ["layer=0..2", "factor=0,0.5"],
               "targets": [" and", 11], "metric": "logit_diff"},
              [TEXT, "--edit", "blocks.{layer}.hook_mlp_out *= {factor}", "--over", "layer=0..2", "factor=0,0.5", "--target", " and",
               "--target-id", "11", "--metric", "logit_diff"]),
    "patch": ({"text": "Penguins are cute.", "corrupt": "Penguins are rude.", "targets": [" and"], "noising": True},
              ["Penguins are cute.", "--corrupt", "Penguins are rude.", *TARGET, "--noising"]),
    "ablate": ({"text": TEXT, "parts": ["heads", "mlps"], "targets": [" and"], "mean": True},
               [TEXT, "--parts", "heads,mlps", *TARGET, "--mean"]),
    "edges": ({"text": "Penguins are", "metric": "entropy"}, ["Penguins are", "--metric", "entropy"]),
    "steer": ({"text": "Penguins are", "positive": ["I love it."], "negative": ["I hate it."], "layers": "3,5", "strengths": [-1, 2],
               "max_new": 4},
              ["Penguins are", "--positive", "I love it.", "--negative", "I hate it.", "--layers", "3,5", "--strengths", "-1,2",
               "--max-new", "4"]),
    "compare": ({"group_a": ["I love it.", "A fine day", "She is happy"], "group_b": ["I hate it.", "A foul day"],
                 "at": "mlp.hook_post", "position": "mean", "shuffles": 3, "seed": 5},
                [PROMPTS / "fine.txt", PROMPTS / "foul.txt", "--at", "mlp.hook_post", "--position", "mean", "--shuffles", "3",
                 "--seed", "5"]),
    "generate": ({"text": "Penguins are", "edits": EDITS[:1], "edit_scope": "all", "max_new": 5, "temperature": 0.7, "seed": 3},
                 ["Penguins are", "--edit", EDITS[0], "--edit-scope", "all", "--max-new", "5", "--temperature", "0.7", "--seed", "3"]),
    "lens": ({"text": TEXT, "positions": [0, -1], "at": "mlp_out", "target": " and"},
             [TEXT, "--positions", "0,-1", "--at", "mlp_out", *TARGET]),
    "attention": ({"text": TEXT, "heads": ["L5H3"], "repeat": True}, [TEXT, "--heads", "L5H3", "--repeat"]),
    "attribution": ({"text": TEXT, "edits": EDITS, "targets": [" and", " but"], "top": 4},
                    [TEXT, *EDITED, "--target", " and", "--target", " but", "--top", "4"]),
    "geometry": ({"text": TEXT, "at": "hidden", "top": 3}, [TEXT, "--at", "hidden", "--top", "3"]),
    "embeddings": ({"words": [" man", " king"], "ids": [846], "table": "unembedding", "analogies": [" king - man"], "top": 3},
                   [" man", "--ids", "846", " king", "--from", "unembedding", "--analogy", " king - man", "--top", "3"]),
    "weights": ({"names": ["h.0.mlp.c_fc.weight"], "rows": [1, 3]}, ["h.0.mlp.c_fc.weight", "--rows", "1,3"]),
    "verify": ({"text": "Penguins are"}, ["Penguins are"]),
}
OF_A_FIGURE = [name for name in CASES if name != "info"]


def with_every_digit(text):
    """Members in their order, numbers as they are written."""
    return json.loads(text, object_pairs_hook=list, parse_float=str, parse_int=str)


@pytest.mark.parametrize("name", CASES)
def test_the_document_is_the_command_lines(server, name):
    body, arguments = CASES[name]
    name = name.split()[0]
    answer = server.post(f"/api/{name}", body)
    assert answer.status == 200, answer.body
    printed = subprocess.run([PROGRAM, name, "--json", *arguments], check=True, capture_output=True, timeout=240).stdout
    assert with_every_digit(answer.body) == with_every_digit(printed)


@pytest.mark.parametrize("name", OF_A_FIGURE)
def test_the_figure_is_the_command_lines(server, name, tmp_path):
    body, arguments = CASES[name]
    name = name.split()[0]
    answer = server.post(f"/api/{name}?figure=vl.json&theme=dark", body)
    assert answer.status == 200, answer.body
    file = tmp_path / "figure.vl.json"
    subprocess.run([PROGRAM, name, *arguments, "--figure", file, "--theme", "dark"], check=True, capture_output=True, timeout=240)
    assert answer.body == file.read_bytes()


def test_figures_of_other_formats(server):
    body = CASES["ablate"][0]
    for ending, beginning in {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "html": b"<!", "csv": b""}.items():
        answer = server.post(f"/api/ablate?figure={ending}", body)
        assert answer.status == 200 and answer.body.startswith(beginning), ending
    assert "one of" in server.post("/api/ablate?figure=gif", body).error
    assert "has no figure" in server.post("/api/info?figure=svg", {}).error


def test_results_come_as_they_are_computed(server):
    body, _ = CASES["sweep"]
    events = server.stream("/api/sweep", body).events()
    assert [name for name, _ in events][0] == "start" and events[-1][0] == "result"
    cells = [data for name, data in events if name == "cells"]
    values = [value for data in cells for value in data["values"]]
    assert values == [result["value"] for result in events[-1][1]["results"]] and len(values) == 6
    pieces = server.stream("/api/generate", CASES["generate"][0]).events()
    assert "".join(data["text"] for name, data in pieces if name == "text") == pieces[-1][1]["text"]
    assert [data for name, data in pieces if name == "token"] == pieces[-1][1]["tokens"]


def test_no_path_of_a_request_reaches_the_file_system(server, tmp_path):
    np.save(tmp_path / "v.npy", np.ones(192, np.float32))
    vector = f"blocks.3.hook_resid_post += {tmp_path / 'v.npy'}"
    for name, body in {
        "predict": {"text": TEXT, "edits": [vector]},
        "heatmap": {"text": TEXT, "rows": ["surprisal", str(tmp_path / "v.npy")]},
        "sweep": {"text": TEXT, "edits": [vector], "axes": [], "targets": [" and"]},
        "sweep of files": {"text": TEXT, "edits": ["blocks.3.hook_resid_post += {v}"], "axes": [f"v={tmp_path / 'v.npy'}"],
                           "targets": [" and"]},
    }.items():
        answer = server.post(f"/api/{name.split()[0]}", body)
        assert answer.status == 400 and "not available here" in answer.error, name
    for name, field in [("sweep", "save"), ("sweep", "resume"), ("steer", "vectors"), ("steer", "save"), ("steer", "positive_file"),
                        ("generate", "save"), ("ablate", "memory_limit")]:
        answer = server.post(f"/api/{name}", CASES[name][0] | {field: str(tmp_path / "x.npz")})
        assert answer.status == 400 and f"there is no field '{field}'" in answer.error
    assert list(tmp_path.iterdir()) == [tmp_path / "v.npy"]
    assert server.post("/api/run", {"text": TEXT}).status == 404


@pytest.mark.parametrize(
    "name, body, error",
    [
        ("predict", {"text": TEXT, "topp": 3}, "there is no field 'topp'; did you mean 'top'?"),
        ("predict", {"text": TEXT, "top": 0}, "field 'top' is below 1"),
        ("predict", {"text": TEXT, "top": 101}, "more than the limit of 100"),
        ("predict", {"text": TEXT, "top": "x"}, "field 'top' is not a whole number"),
        ("predict", {"text": 3}, "field 'text' is not a string"),
        ("predict", {}, "field 'text' is missing"),
        ("predict", [], "the body is not a JSON object"),
        ("predict", {"text": TEXT, "edits": [EDITS[0], "blocks.3.hook *="]}, "edit 2: "),
        ("predict", {"text": TEXT, "position": 99}, "out of range"),
        ("predict", {"text": TEXT, "model": 3}, "field 'model' is not a string"),
        ("lens", {"text": TEXT, "at": "nowhere"}, "one of resid, resid_mid, attn_out, mlp_out"),
        ("similarity", {"text": TEXT}, "is required"),
        ("attention", {"text": "a " * 3000}, "tokens, more than"),
        ("sweep", {"text": TEXT, "edits": ["blocks.{layer}.hook_mlp_out *= {f}"], "axes": ["layer=all", "f=0..9999"],
                   "targets": [" and"]}, "more points than the limit"),
    ],
)
def test_bad_requests(server, name, body, error):
    answer = server.post(f"/api/{name}", body)
    assert answer.status == 400 and error in answer.error, answer.body
