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
BY_HAND = json.loads((ROOT / "apps" / "server" / "openapi.json").read_text(encoding="utf-8"))
OPENAPI = json.loads(subprocess.run([PROGRAM, "openapi"], check=True, capture_output=True, timeout=60).stdout)
EXPERIMENTS = ["predict", "activations", "similarity", "sweep", "patch", "ablate", "edges", "steer", "lens", "attention",
               "attribution", "geometry", "generate", "verify", "tokens", "info"]
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
    assert set(re.findall(r'"(/api/[^"]+)"', sources)) == set(BY_HAND["paths"])
    assert set(OPENAPI["paths"]) - set(BY_HAND["paths"]) == {f"/api/{name}" for name in EXPERIMENTS}


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


def test_hook_points_are_as_openapi_says_and_as_the_command_line_has_them(server):
    points = server.post("/api/models/info", {"model": "novella-7m"}).json()["hook_points"]
    assert points == command_json("info")["hook_points"]
    operation = OPENAPI["paths"]["/api/models/info"]["post"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["hook_points"]["items"]
    of = schema["properties"]
    for point in points:
        assert set(point) == set(schema["required"]) == set(of), point
        assert len(point["axes"]) == len(point["shape"]), point
    assert {axis for point in points for axis in point["axes"]} == set(of["axes"]["items"]["enum"])
    assert {point["scope"] for point in points} == set(of["scope"]["enum"])


def test_a_batch_has_the_results_of_single_requests(server):
    run = {"text": TEXT, "edits": EDITS}
    requests = [
        ("/api/view/tokens", {"text": TEXT}),
        ("/api/view/predict", run | {"position": 4}),
        ("/api/view/depth", run | {"token": 2}),
        ("/api/view/lens", run | {"which": "edited"}),
        ("/api/view/attention/heads", run),
    ]
    answer = server.post("/api/batch", {"requests": [{"path": path, "body": body} for path, body in requests]})
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/octet-stream"
    results = {head["request"]: body for head, body in answer.messages() if head["event"] == "result"}
    for number, (path, body) in enumerate(requests):
        assert results[number] == server.post(f"{path}?format=binary", body).body, path
    streamed = server.stream("/api/view/lens", requests[3][1]).events()
    depths = [(head["event"], json.loads(body)) for head, body in answer.messages() if head["request"] == 3 and head["event"] == "depth"]
    assert depths == [event for event in streamed if event[0] == "depth"] and len(depths) == 13


def test_one_request_of_a_batch_fails_alone(server):
    requests = [
        {"path": "/api/view/predict", "body": {"text": TEXT}},
        {"path": "/api/view/predict", "body": {"text": TEXT, "position": 99}},
        {"path": "/api/nothing", "body": {}},
        {"path": "/api/view/depth", "body": {"text": TEXT, "nonsense": 1}},
        {"path": "/api/view/depth", "body": 7},
        {"path": "/api/view/depth", "body": {"text": TEXT}, "slot": "s" * 65},
        {"path": "/api/view/depth", "body": {"text": TEXT}, "nonsense": 1},
        {"body": {"text": TEXT}},
        8,
        {"path": "/api/view/tokens", "body": {"text": TEXT, "model": "no such model"}},
    ]
    messages = server.post("/api/batch", {"requests": requests}).messages()
    assert sorted(head["request"] for head, _ in messages) == list(range(len(requests)))
    status = {head["request"]: head["status"] for head, _ in messages}
    assert [status[i] for i in range(len(requests))] == [200, 400, 404, 400, 400, 400, 400, 400, 400, 404]
    says = {head["request"]: json.loads(body)["error"]["message"] for head, body in messages if head["event"] == "error"}
    for number, word in [(1, "out of range"), (2, "/api/nothing"), (3, "nonsense"), (4, "object"), (5, "64"), (6, "nonsense"), (7, "path")]:
        assert word in says[number]


@pytest.mark.parametrize("requests", [None, [], {}, "x", [{"path": "/api/view/tokens", "body": {"text": "a"}}] * 17])
def test_the_number_of_requests_in_a_batch_is_limited(server, requests):
    answer = server.post("/api/batch", {"requests": requests})
    assert answer.status == 400 and "1 to 16" in answer.error


def test_predictions_are_the_command_lines(server):
    arguments = [part for edit in EDITS for part in ("--edit", edit)]
    ours = server.post("/api/view/predict", {"text": TEXT, "edits": EDITS, "top": 5, "position": 4}).json()
    edited = command_json("predict", TEXT, "--top", "5", "--position", "4", *arguments)
    clean = command_json("predict", TEXT, "--top", "5", "--position", "4")
    by_id = {entry["id"]: entry for entry in ours["predictions"]}
    for side, document in (("clean", clean), ("edited", edited)):
        for entry in document["predictions"]:
            assert by_id[entry["id"]][side]["logit"] == entry["logit"]
            assert by_id[entry["id"]][side]["prob"] == pytest.approx(entry["prob"], rel=1e-12)
    assert ours["effect"]["kl"] == pytest.approx(edited["effect"]["kl"], rel=1e-12)


def test_depth_and_similarity_are_the_command_lines(server):
    document = server.post("/api/view/depth", {"text": TEXT, "token": 3, "edits": EDITS}).json()
    arguments = [part for edit in EDITS for part in ("--edit", edit)]
    expected = command_json("activations", TEXT, "--token", "3", *arguments)
    assert [entry["variance"] for entry in document["edited_statistics"]] == [e["variance"] for e in expected["layers"]]
    across = command_json("similarity", TEXT, "--across", "tokens", "--layers", "4")["matrices"][0]
    ours = server.post("/api/view/similarity/tokens", {"text": TEXT, "depth": 4}).json()["clean"]
    np.testing.assert_array_equal(np.float32(ours), np.float32(across))
    profile = command_json("similarity", TEXT, "--profile")
    ours = server.post("/api/view/similarity/profile", {"text": TEXT}).json()
    assert ours["clean_medians"] == [layer["median"] for layer in profile["layers"]]


def test_the_lens_is_the_command_lines(server):
    expected = command_json("lens", TEXT, "--top", "3", "--edit", EDITS[0])
    ours = server.post("/api/view/lens", {"text": TEXT, "edits": EDITS[:1]}).json()
    for depth, layer in enumerate(expected["layers"]):
        assert ours["tokens"][depth] == [cell[0]["token"] for cell in layer["positions"]]
        np.testing.assert_allclose(ours["kl"][depth], [cell["kl"] for cell in layer["summary"]], rtol=1e-6, atol=1e-9)
    cell = server.post("/api/view/lens/cell", {"text": TEXT, "edits": EDITS[:1], "depth": 5, "position": 2, "top": 3}).json()
    assert [p["token"] for p in cell["predictions"]] == [p["token"] for p in expected["layers"][5]["positions"][2]]


def test_a_window_of_the_lens_is_a_part_of_it(server):
    whole = server.post("/api/view/lens", {"text": TEXT}).json()
    part = server.post("/api/view/lens", {"text": TEXT, "from": 3, "count": 4}).json()
    assert part["kl"] == [row[3:7] for row in whole["kl"]]


def test_attention_is_the_command_lines(server):
    expected = command_json("attention", TEXT, "--heads", "L2H3")
    ours = server.post("/api/view/attention/pattern", {"text": TEXT, "layer": 2, "head": 3}).json()["clean"]
    for row, weights in zip(ours, expected["patterns"][0]["weights"]):
        np.testing.assert_array_equal(np.float32(row[: len(weights)]), np.float32(weights))
    heads = server.post("/api/view/attention/heads", {"text": TEXT}).json()
    previous = heads["score_values"][heads["scores"].index("previous")]
    for score in expected["heads"]:
        assert previous[score["layer"]][score["head"]] == pytest.approx(score["previous"], rel=1e-6)


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
    events = server.stream("/api/view/sweep", {"text": TEXT, "targets": [" They"]} | grid).events()
    assert events[0][0] == "start" and events[-1][0] == "result"
    cells = [data for name, data in events if name == "cells"]
    assert sum((data["values"] for data in cells), []) == [result["value"] for result in expected["results"]]
    assert [data["first"] for data in cells] == sorted(data["first"] for data in cells)
    result = events[-1][1]
    for key in ("model", "target", "metric", "clean", "axes", "results", "effect"):
        assert result[key] == expected[key]


def test_binary_and_npz_hold_the_same_numbers(server, tmp_path):
    body = {"text": TEXT, "token": 3, "edits": EDITS}
    plain = server.post("/api/view/depth", body).json()
    document, arrays = read_safetensors(server.post("/api/view/depth?format=binary", body).body)
    (tmp_path / "a.npz").write_bytes(server.post("/api/view/depth?format=npz", body).body)
    npz = np.load(tmp_path / "a.npz")
    for name in ("clean", "edited"):
        np.testing.assert_array_equal(arrays[name], np.float32(plain[name]))
        np.testing.assert_array_equal(npz[name], arrays[name])
    assert document["labels"] == plain["labels"]
    rejected = server.post("/api/view/depth?format=yaml", body)
    assert rejected.status == 400 and "yaml" in rejected.error


def test_predictions_are_arrays_too(server, tmp_path):
    body = {"text": TEXT, "position": 3, "edits": EDITS, "top": 5}
    predictions = server.post("/api/view/predict", body).json()["predictions"]
    (tmp_path / "a.npz").write_bytes(server.post("/api/view/predict?format=npz", body).body)
    npz = np.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(npz["ids"], [p["id"] for p in predictions])
    for side in ("clean", "edited"):
        np.testing.assert_array_equal(npz[f"{side}_log_probs"], np.float32([p[side]["log_prob"] for p in predictions]))


@pytest.mark.parametrize("what, command", [
    ("depth", ["activations", "--token", "3"]),
    ("predictions", ["predict", "--position", "3"]),
    ("profile", ["similarity", "--profile"]),
    ("lens", ["lens"]),
])
def test_exported_documents_are_the_command_lines(server, what, command):
    body = {"text": TEXT, "what": what, "format": "json", "token": "3", "position": "3"}
    assert server.post("/api/view/export", body).json() == command_json(*command, TEXT)


@pytest.mark.parametrize("form, start", [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("csv", b"panel,"), ("vl.json", b"{")])
def test_figures_are_files_of_their_kind(server, form, start):
    answer = server.post("/api/view/export", {"text": TEXT, "what": "depth", "format": form, "theme": "dark"})
    assert answer.status == 200 and answer.body.startswith(start)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="depth.{form}"'


def test_loading_a_model_streams(server):
    events = server.stream("/api/models/load", {"model": "novella-7m"}).events()
    assert events[-1][0] == "result" and events[-1][1]["model"]["name"] == "novella-7m"
