"""The HTTP interface: it follows its OpenAPI description, and its numbers equal those of the command line."""
import json
import re
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from serving import PROGRAM, TEXT

ROOT = Path(__file__).resolve().parents[2]
OPENAPI = json.loads(subprocess.run([PROGRAM, "openapi"], check=True, capture_output=True, timeout=60).stdout)
EXPERIMENTS = ["predict", "score", "activations", "distributions", "similarity", "sweep", "patch", "ablate", "edges", "steer", "compare", "lens",
               "attention", "attribution", "geometry", "heatmap", "generate", "embeddings", "weights", "verify", "tokens", "info"]
EDITS = ["blocks.3.hook_resid_post *= 0.5", "blocks.5.attn.hook_z.head[1] = zero"]


def operations():
    for path, item in OPENAPI["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation


def command_line(*arguments):
    printed = subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, timeout=240).stdout
    return printed


def command_json(command, *arguments):
    return json.loads(command_line(command, "--json", *arguments))


def read_safetensors(data):
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    document = json.loads(header.pop("__metadata__")["document"])
    arrays = {
        name: np.frombuffer(data[8 + length :][slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
        for name, entry in header.items()
    }
    return document, arrays


def test_openapi_is_served(server):
    assert server.get("/openapi.json").json() == OPENAPI


def test_openapi_names_every_route():
    sources = "".join(path.read_text() for path in (ROOT / "apps" / "server").glob("routes_*.cpp"))
    written = {path for path in re.findall(r'"(/api/[\w/{}]+)"', sources) if path != "/api/predict"}  # of an example
    experiments = {f"/api/{name}" for name in EXPERIMENTS}
    assert set(OPENAPI["paths"]) == (written - {"/api/tokens"}) | experiments and "/api/batch" in written


@pytest.mark.parametrize("path, method, operation", operations(), ids=lambda value: value if isinstance(value, str) else "")
def test_each_operation_answers_as_openapi_says(server, path, method, operation):
    if "{id}" in path:
        example = OPENAPI["paths"]["/api/experiments"]["post"]["requestBody"]["content"]["application/json"]["example"]
        path = path.replace("{id}", str(server.post("/api/experiments", example).json()["id"]))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    answer = server.ask(method.upper(), path, body)
    expected = operation["responses"].get(str(answer.status))
    assert expected, (answer.status, answer.body[:300])
    kinds = expected.get("content", {})
    if not kinds:
        assert answer.body == b""
        return
    assert answer.headers["Content-Type"].split(";")[0] in kinds
    schema = kinds.get("application/json", {}).get("schema")
    if schema:
        assert set(schema["required"]) <= set(answer.json())
    if body is not None and operation["requestBody"]["content"]["application/json"]["schema"].get("additionalProperties") is False:
        rejected = server.ask(method.upper(), path, body | {"nonsense": 1})
        assert rejected.status == 400 and "nonsense" in rejected.error


def test_hook_points_are_the_command_lines(server):
    points = server.post("/api/info", {"model": "novella-7m"}).json()["hook_points"]
    assert points == command_json("info")["hook_points"] and len(points) > 100


def test_a_batch_has_the_results_of_single_requests(server):
    run = {"text": TEXT, "edits": EDITS}
    requests = [
        ("/api/tokens", {"text": TEXT}),
        ("/api/predict", run | {"position": 4}),
        ("/api/activations", run | {"token": 2, "compare": True}),
        ("/api/lens", run),
        ("/api/attention", run | {"thumbnails": 8}),
    ]
    answer = server.post("/api/batch", {"requests": [{"path": path, "body": body} for path, body in requests]})
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/octet-stream"
    results = {head["request"]: body for head, body in answer.messages() if head["event"] == "result"}
    for number, (path, body) in enumerate(requests):
        assert results[number] == server.post(f"{path}?format=binary", body).body, path
    streamed = server.stream("/api/lens", requests[3][1]).events()
    depths = [(head["event"], json.loads(body)) for head, body in answer.messages() if head["request"] == 3 and head["event"] == "depth"]
    assert depths == [event for event in streamed if event[0] == "depth"] and len(depths) == 13


def test_one_request_of_a_batch_fails_alone(server):
    requests = [
        {"path": "/api/predict", "body": {"text": TEXT}},
        {"path": "/api/predict", "body": {"text": TEXT, "position": 99}},
        {"path": "/api/nothing", "body": {}},
        {"path": "/api/activations", "body": {"text": TEXT, "nonsense": 1}},
        {"path": "/api/activations", "body": 7},
        {"path": "/api/activations", "body": {"text": TEXT}, "slot": "s" * 65},
        {"path": "/api/activations", "body": {"text": TEXT}, "nonsense": 1},
        {"body": {"text": TEXT}},
        8,
        {"path": "/api/tokens", "body": {"text": TEXT, "model": "no such model"}},
    ]
    messages = server.post("/api/batch", {"requests": requests}).messages()
    assert sorted(head["request"] for head, _ in messages) == list(range(len(requests)))
    status = {head["request"]: head["status"] for head, _ in messages}
    assert [status[i] for i in range(len(requests))] == [200, 400, 404, 400, 400, 400, 400, 400, 400, 404]
    says = {head["request"]: json.loads(body)["error"]["message"] for head, body in messages if head["event"] == "error"}
    for number, word in [(1, "out of range"), (2, "/api/nothing"), (3, "nonsense"), (4, "object"), (5, "64"), (6, "nonsense"), (7, "path")]:
        assert word in says[number]


@pytest.mark.parametrize("requests", [None, [], {}, "x", [{"path": "/api/tokens", "body": {"text": "a"}}] * 17])
def test_the_number_of_requests_in_a_batch_is_limited(server, requests):
    answer = server.post("/api/batch", {"requests": requests})
    assert answer.status == 400 and "1 to 16" in answer.error


def test_predictions_are_compared(server):
    arguments = [part for edit in EDITS for part in ("--edit", edit)]
    asked = {"text": TEXT, "edits": EDITS, "top": 5, "position": 4, "compare": True, "targets": [" and"]}
    ours = server.post("/api/predict", asked).json()
    edited = command_json("predict", TEXT, "--top", "5", "--position", "4", "--target", " and", *arguments)
    clean = command_json("predict", TEXT, "--top", "5", "--position", "4")
    assert [{**entry, "clean": None} for entry in ours["predictions"]] == [{**entry, "clean": None} for entry in edited["predictions"]]
    assert ours["effect"] == edited["effect"]
    known = {entry["id"]: entry["clean"] for entry in ours["predictions"] + ours["targets"]}
    assert [entry["id"] for entry in ours["clean"]["predictions"]] == [entry["id"] for entry in clean["predictions"]]
    for ours_clean, theirs in zip(ours["clean"]["predictions"], clean["predictions"]):
        assert ours_clean["clean"] == {key: theirs[key] for key in ("logit", "log_prob", "prob")}
        assert known.get(theirs["id"], ours_clean["clean"]) == ours_clean["clean"]
    assert ours["targets"][0]["token"] == " and" and ours["targets"][0]["log_prob"] == edited["targets"][0]["log_prob"]


def test_a_comparison_has_both_runs(server):
    run = {"text": TEXT, "compare": True, "no_effect": True}
    cases = {
        "activations": ({"token": 3}, "values"),
        "similarity": ({"across": "tokens", "layers": [7], "positions": "2:6"}, "values"),
        "similarity ": ({"across": "layers", "tokens": [4]}, "values"),
        "similarity  ": ({"profile": True}, "values"),
    }
    for name, (body, array) in cases.items():
        path = f"/api/{name.strip()}?format=binary"
        _, both = read_safetensors(server.post(path, run | body | {"edits": EDITS}).body)
        document, clean = read_safetensors(server.post(path, run | body).body)
        assert "effect" not in document and array in set(clean)
        np.testing.assert_array_equal(both[f"clean_{array}"], clean[array])
        assert not np.array_equal(both[array], clean[array])


def test_arrays_are_what_the_document_leaves_out(server):
    arguments = [part for edit in EDITS for part in ("--edit", edit)]
    across = command_json("similarity", TEXT, "--across", "tokens", "--layers", "4", *arguments)
    asked = {"text": TEXT, "across": "tokens", "layers": [4], "edits": EDITS}
    document, arrays = read_safetensors(server.post("/api/similarity?format=binary", asked).body)
    np.testing.assert_array_equal(arrays["values"], np.float32(across["matrices"]))
    assert document == {key: value for key, value in across.items() if key != "matrices"}


def test_the_lens_streams_its_depths(server):
    expected = command_json("lens", TEXT, "--top", "3", "--edit", EDITS[0])
    asked = {"text": TEXT, "edits": EDITS[:1], "top": 3}
    events = server.stream("/api/lens", asked).events()
    assert [data["depth"] for name, data in events if name == "depth"] == list(reversed(range(13)))
    assert events[-1] == ("result", expected)
    for name, data in events[:-1]:
        layer = expected["layers"][data["depth"]]
        assert data["positions"] == expected["positions"]
        assert data["tokens"] == [cell[0]["token"] for cell in layer["positions"]]
        assert data["prob"] == [cell[0]["prob"] for cell in layer["positions"]]
        assert data["kl"] == [cell["kl"] for cell in layer["summary"]]


def test_a_part_of_the_lens_is_the_same(server):
    whole = server.post("/api/lens", {"text": TEXT, "edits": EDITS}).json()
    part = server.post("/api/lens", {"text": TEXT, "edits": EDITS, "positions": "3:7", "depths": [0, 5, -1]}).json()
    for layer, depth in zip(part["layers"], (0, 5, 12)):
        assert layer == {name: value if name == "label" else value[3:7] for name, value in whole["layers"][depth].items()}
    document, arrays = read_safetensors(server.post("/api/lens?format=binary", {"text": TEXT, "edits": EDITS}).body)
    np.testing.assert_array_equal(arrays["kl"], np.float32([[cell["kl"] for cell in layer["summary"]] for layer in whole["layers"]]))
    np.testing.assert_array_equal(arrays["probs"], np.float32([[[p["prob"] for p in cell] for cell in layer["positions"]] for layer in whole["layers"]]))
    assert document["layers"] == [{"label": layer["label"]} for layer in whole["layers"]]


def test_a_window_of_a_pattern_is_a_part_of_it(server):
    asked = {"text": TEXT, "edits": EDITS, "heads": ["L5H1", "L7H3"], "compare": True}
    whole = server.post("/api/attention", asked).json()
    document, arrays = read_safetensors(server.post("/api/attention?format=binary", asked | {"positions": "2:6", "no_scores": True}).body)
    assert set(arrays) == {"patterns", "clean_patterns"} and document["effect"] == whole["effect"]
    for name, run in (("patterns", whole), ("clean_patterns", whole["clean"])):
        for window, pattern in zip(arrays[name], run["patterns"]):
            for row, query in enumerate(range(2, 6)):
                np.testing.assert_array_equal(window[row][: row + 1], np.float32(pattern["weights"][query][2:]))
                assert not window[row][row + 1 :].any()


def test_scores_and_thumbnails_are_arrays(server):
    asked = {"text": TEXT, "edits": EDITS, "thumbnails": 4, "compare": True, "heads": ["L6H2"]}
    document, arrays = read_safetensors(server.post("/api/attention?format=binary", asked).body)
    plain = server.post("/api/attention", asked).json()
    for prefix, run in (("", plain), ("clean_", plain["clean"])):
        for head in run["heads"]:
            for name in ("previous", "entropy"):
                assert arrays[prefix + name][head["layer"], head["head"]] == np.float32(head[name])
        np.testing.assert_array_equal(arrays[prefix + "thumbnails"], np.float32(run["thumbnails"]))
        weights = run["patterns"][0]["weights"]
        cells = np.zeros((4, 4))
        for query, row in enumerate(weights):
            for key, weight in enumerate(row):
                at = query * 4 // len(weights), key * 4 // len(weights)
                cells[at] = max(cells[at], weight)
        np.testing.assert_array_equal(np.float32(cells), arrays[prefix + "thumbnails"][6, 2])


SWEEPS = [
    ({"edits": ["blocks.{layer}.hook_resid_post *= 0.8"], "axes": ["layer=all"]}),
    ({"edits": ["blocks.{layer}.hook_mlp_out[{position}] = zero"], "axes": ["layer=0..2", "position=1:4"]}),
    ({"edits": ["blocks.{layer}.hook_attn_out *= {factor}"], "axes": ["layer=1,3", "factor=0,0.5"]}),
]


@pytest.mark.parametrize("grid", SWEEPS)
def test_a_sweep_streams_what_the_command_line_prints(server, grid):
    arguments = ["--edit", grid["edits"][0], "--target", " They"]
    for axis in grid["axes"]:
        arguments += ["--over", axis]
    expected = command_json("sweep", TEXT, *arguments)
    events = server.stream("/api/sweep", {"text": TEXT, "targets": [" They"]} | grid).events()
    assert events[0][0] == "start" and events[-1][0] == "result"
    cells = [data for name, data in events if name == "cells"]
    assert sum((data["values"] for data in cells), []) == [result["value"] for result in expected["results"]]
    assert [data["first"] for data in cells] == sorted(data["first"] for data in cells)
    result = events[-1][1]
    for key in ("model", "target", "metric", "clean", "axes", "results", "effect"):
        assert result[key] == expected[key]


def test_binary_and_npz_hold_the_same_numbers(server, tmp_path):
    body = {"text": TEXT, "token": 3, "edits": EDITS, "compare": True}
    plain = server.post("/api/activations", body).json()
    document, arrays = read_safetensors(server.post("/api/activations?format=binary", body).body)
    (tmp_path / "a.npz").write_bytes(server.post("/api/activations?format=npz", body).body)
    npz = np.load(tmp_path / "a.npz")
    for name in ("values", "clean_values"):
        np.testing.assert_array_equal(npz[name], arrays[name])
    np.testing.assert_allclose(arrays["values"].var(axis=1, ddof=1), [layer["variance"] for layer in plain["layers"]], rtol=1e-3)
    assert document == plain
    rejected = server.post("/api/activations?format=yaml", body)
    assert rejected.status == 400 and "yaml" in rejected.error


def test_predictions_are_arrays_too(server, tmp_path):
    body = {"text": TEXT, "position": 3, "edits": EDITS, "top": 5, "compare": True}
    predictions = server.post("/api/predict", body).json()["predictions"]
    (tmp_path / "a.npz").write_bytes(server.post("/api/predict?format=npz", body).body)
    npz = np.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(npz["ids"][:5], [p["id"] for p in predictions])
    np.testing.assert_array_equal(npz["log_probs"][:5], np.float32([p["log_prob"] for p in predictions]))
    np.testing.assert_array_equal(npz["clean_log_probs"][:5], np.float32([p["clean"]["log_prob"] for p in predictions]))


def test_loading_a_model_streams(server):
    events = server.stream("/api/models/load", {"model": "novella-7m"}).events()
    assert events[-1][0] == "result" and events[-1][1]["model"]["name"] == "novella-7m"
