"""Attacks on the server: pages of other sites, forged requests, requests over every limit. The process must survive."""
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

import pytest

from serving import PROGRAM, TEXT


@pytest.fixture(autouse=True)
def still_serves(server):
    yield
    assert server.is_alive()
    assert server.post("/api/predict", {"text": TEXT}).status == 200


def raw(server, data, wait=10):
    """Sends bytes as they are; returns the answer until the server closes or `wait` seconds are over."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait) as connection:
        connection.sendall(data)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            pass
        return received


def test_another_host_name_is_rejected(server):
    assert server.get("/api/status", headers={"Host": "evil.example"}).status == 421
    assert server.get("/", headers={"Host": "evil.example:%d" % server.port}).status == 421


def test_another_sites_page_is_rejected(server):
    body = json.dumps({"text": TEXT})
    assert server.post("/api/predict", body, headers={"Origin": "http://evil.example"}).status == 403
    assert server.post("/api/predict", body, headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    assert server.post("/api/predict", body, headers={"Content-Type": "text/plain"}).status == 415


def test_answers_carry_the_policy(server):
    for path in ("/", "/api/status", "/nothing"):
        headers = server.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", ["/../etc/passwd", "/assets/../../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/api/experiments/../../x", "/%00", "/api/experiments/1;drop"])
def test_no_path_leads_to_a_file(server, path):
    answer = server.get(path)
    assert answer.status in (400, 404)
    assert b"root:" not in answer.body


@pytest.mark.parametrize("edit", ["blocks.3.hook_resid_post += /etc/passwd.npy", "blocks.3.hook_resid_post = ../x.safetensors:y", "blocks.3.hook_resid_post without v.npy"])
def test_edits_read_no_files(server, edit):
    for path in ("/api/predict", "/api/lens", "/api/attention"):
        answer = server.post(path, {"text": TEXT, "edits": [edit]})
        assert answer.status == 400 and "files" in answer.error
    answer = server.post("/api/activations?figure=csv", {"text": TEXT, "edits": [edit]})
    assert answer.status == 400 and "files" in answer.error
    grid = {"text": TEXT, "edits": ["blocks.{layer}.hook_resid_post += {file}"], "axes": ["layer=0", "file=a.npy"], "metric": "kl"}
    answer = server.post("/api/sweep", grid)
    assert answer.status == 400 and "files" in answer.error


@pytest.mark.parametrize("model", ["", "/etc", "../..", "novella-7m/../../x", "https://evil.example/x", "a" * 5000])
def test_models_are_names_of_the_list(server, model):
    assert server.post("/api/predict", {"text": TEXT, "model": model}).status == 404
    assert server.post("/api/models/load", {"model": model}).status == 404


@pytest.mark.parametrize(
    "path, body, says",
    [
        ("/api/predict", {"text": "a" * 70000}, "65536"),
        ("/api/predict", {"text": "word " * 3000}, "512"),
        ("/api/predict", {"text": ""}, "empty"),
        ("/api/predict", {"text": TEXT, "top": 101}, "100"),
        ("/api/predict", {"text": TEXT, "position": 999}, "out of range"),
        ("/api/predict", {"text": TEXT, "edits": ["x"] * 257}, "256"),
        ("/api/predict", {"text": TEXT, "edits": ["x" * 4001]}, "4000"),
        ("/api/predict", {"text": TEXT, "edits": ["nonsense *= 2"]}, "nonsense"),
        ("/api/predict", {"text": TEXT, "target_ids": [-1]}, "out of range"),
        ("/api/predict", {"text": 7}, "not a string"),
        ("/api/predict", {}, "missing"),
        ("/api/lens", {"text": "word " * 3000}, "1024"),
        ("/api/lens", {"text": TEXT, "positions": [99]}, "out of range"),
        ("/api/similarity", {"text": TEXT, "across": "tokens", "layers": [99]}, "out of range"),
        ("/api/attention", {"text": TEXT, "heads": ["L99H0"]}, "out of range"),
        ("/api/sweep", {"text": TEXT, "edits": ["blocks.{layer}.hook_resid_post *= {f}"], "axes": ["layer=all", "f=0..9999"], "metric": "kl"}, "20000"),
        ("/api/sweep", {"text": TEXT, "edits": ["hook_embed *= 2"], "axes": ["a=1"] * 257}, "limit of 256"),
        ("/api/experiments", {"stratoscope": "no"}, "not an experiment"),
    ],
)
def test_invalid_values_are_a_400_with_a_reason(server, path, body, says):
    answer = server.post(path, body)
    assert answer.status == 400 and says in answer.error


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"text": "\xff"}', b"[" * 100000, b'{"text":' + b"[" * 5000, b'{"text": "a", "text": "b", "top": 1e999}', b"\x00" * 100])
def test_invalid_bodies(server, body):
    assert 400 <= server.post("/api/predict", body).status < 500


def test_a_body_over_the_limit_is_rejected_before_it_is_read(server):
    head = "POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
    answer = raw(server, (head % server.port).encode())
    assert b" 413 " in answer and b"8388608" in answer


def test_a_chunked_body_without_end_is_cut(server):
    head = "POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall((head % server.port).encode())
        chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
        sent = 0
        try:
            for _ in range(4000):
                connection.sendall(chunk)
                sent += len(chunk)
        except ConnectionError:
            pass
        assert sent < 64 << 20  # all of them would be 262 MB; what the system holds for both sides counts too


@pytest.mark.parametrize(
    "data",
    [b"\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n", b"GET / HTTP/1.1\r\nX: " + b"y" * 100000],
)
def test_invalid_http(server, data):
    raw(server, data, wait=1)


def test_a_slow_request_is_cut(server):
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"GET /api/status HTTP/1.1\r\nX: ")
        closed = False
        while not closed and time.monotonic() - start < 25:
            try:
                connection.sendall(b"y")
            except OSError:
                closed = True
            connection.settimeout(0.5)
            try:
                closed = closed or connection.recv(1000) == b""
            except TimeoutError:
                pass
            except OSError:
                closed = True
        assert closed


def test_a_disconnected_client_cancels_its_work(server):
    body = json.dumps({"text": TEXT, "edits": ["blocks.{layer}.hook_resid_post *= {f}"], "axes": ["layer=all", "f=0..1500"], "metric": "kl"})
    head = "POST /api/sweep HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-Stratoscope-Client: gone\r\n\r\n"
    for _ in range(20):  # over the limit of waiting jobs per client
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall((head % (server.port, len(body)) + body).encode())
            time.sleep(0.02)
    deadline = time.monotonic() + 60
    while server.post("/api/sweep", {"text": TEXT, "edits": ["hook_embed *= {f}"], "axes": ["f=0,1"], "metric": "kl"}, headers={"X-Stratoscope-Client": "gone"}).status != 200:
        assert time.monotonic() < deadline


def test_a_disconnected_client_cancels_its_batch(server):
    sweep = {"text": TEXT, "edits": ["blocks.{layer}.hook_resid_post *= {f}"], "axes": ["layer=all", "f=0..1500"], "metric": "kl"}
    body = json.dumps({"requests": [{"path": "/api/sweep", "body": sweep}] * 16})  # the limit of waiting jobs
    head = "POST /api/batch HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-Stratoscope-Client: gone\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall((head % (server.port, len(body)) + body).encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    deadline = time.monotonic() + 60
    while server.post("/api/activations", {"text": TEXT}, headers={"X-Stratoscope-Client": "gone"}).status != 200:
        assert time.monotonic() < deadline


def test_replaced_requests_of_a_batch_are_answered_409(server):
    headers = {"X-Stratoscope-Client": "b"}
    sweep = {"text": TEXT, "edits": ["blocks.{layer}.hook_resid_post *= {f}"], "axes": ["layer=all", "f=0..1500"], "metric": "kl"}
    older = [{"path": "/api/sweep", "body": sweep, "slot": "sweep"}, {"path": "/api/activations", "body": {"text": TEXT}, "slot": "depth"}]
    answers = []
    thread = threading.Thread(target=lambda: answers.append(server.post("/api/batch", {"requests": older}, headers=headers)))
    thread.start()
    time.sleep(0.5)
    newer = server.post("/api/batch", {"requests": [{"path": "/api/activations", "body": {"text": TEXT}, "slot": "sweep"}]}, headers=headers)
    thread.join()
    last = {head["request"]: head["status"] for head, _ in answers[0].messages() if "status" in head}
    assert last == {0: 409, 1: 200}
    assert [head["event"] for head, _ in newer.messages()] == ["result"]


def test_more_connections_than_allowed(server):
    limit = server.get("/api/status").json()["limits"]["connections"]
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(limit + 6)]
    try:
        time.sleep(1)
        assert server.get("/api/status").status in (200, 429)
    finally:
        for connection in idle:
            connection.close()
    time.sleep(1)


def test_a_replaced_request_is_answered_409(server):
    headers = {"X-Stratoscope-Client": "a", "X-Stratoscope-Slot": "sweep"}
    body = {"text": TEXT, "edits": ["blocks.{layer}.hook_resid_post *= {f}"], "axes": ["layer=all", "f=0..1500"], "metric": "kl"}
    answers = []
    thread = threading.Thread(target=lambda: answers.append(server.post("/api/sweep", body, headers=headers)))
    thread.start()
    time.sleep(0.5)
    newer = server.post("/api/sweep", {"text": TEXT, "edits": ["hook_embed *= {f}"], "axes": ["f=0,1"], "metric": "kl"}, headers=headers)
    thread.join()
    assert newer.status == 200 and answers[0].status == 409


def experiment(note):
    return {"stratoscope": "experiment", "version": "0.1.0", "model": {"name": "novella-7m", "hash": "00ff"}, "text": TEXT, "edits": [], "note": note}


REJECTED_EARLY = ["/?a?b", "/?" + "a" * 9000, "/nothing", "/api/predict"]


@pytest.mark.parametrize("target", REJECTED_EARLY, ids=["mark", "long", "nothing", "type"])
def test_the_body_of_a_rejected_request_is_no_request(server, target):
    identity = server.post("/api/experiments", experiment("precious")).json()["id"]
    document = json.dumps(experiment("written by another site"))
    host = f"Host: 127.0.0.1:{server.port}\r\n"
    inner = f"DELETE /api/experiments/{identity} HTTP/1.1\r\n{host}\r\nPOST /api/experiments HTTP/1.1\r\n{host}Content-Type: application/json\r\nContent-Length: {len(document)}\r\n\r\n{document}"
    outer = f"POST {target} HTTP/1.1\r\n{host}Origin: http://evil.example\r\nContent-Type: text/plain\r\nContent-Length: {len(inner)}\r\n\r\n{inner}"
    answer = raw(server, outer.encode())
    assert answer.count(b"HTTP/1.1 ") == 1 and b"Connection: close" in answer
    notes = [entry["note"] for entry in server.get("/api/experiments").json()["experiments"]]
    assert "precious" in notes and "written by another site" not in notes
    assert server.ask("DELETE", f"/api/experiments/{identity}").status == 204


def memory_of(serving, key="VmHWM"):
    status = Path(f"/proc/{serving.process.pid}/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+)", status)[1]) / 1024  # MiB


def test_compressed_and_multipart_bodies_and_ranges_use_no_memory(own_server):
    serving = own_server("--host", "0.0.0.0", "--token", "secret")
    serving.get("/openapi.json")
    before = memory_of(serving)
    bomb = gzip.compress(b"0" * (256 << 20), 1)
    part = b'--b\r\nX: y\r\nContent-Disposition: form-data; name="a"' + b" " * 16200 + b"\r\n\r\nx\r\n--b--\r\n"
    quotes = b"--b\r\n" + (b'Content-Disposition: form-data; name="' + b'";filename="' * 330 + b'";filename*=a' * 330 + b" x\r\n") * 20 + b"\r\nx\r\n--b--\r\n"
    for body in (bomb, gzip.compress(part), gzip.compress(quotes)):
        for path in ("/nothing", "/api/predict", "/"):
            answer = serving.post(path, body, headers={"Content-Encoding": "gzip", "Content-Type": "multipart/form-data; boundary=b"})
            assert 400 <= answer.status < 500
    for body in (part, quotes):
        assert 400 <= serving.post("/api/predict", body, headers={"Content-Type": "multipart/form-data; boundary=b", "Authorization": "Bearer secret"}).status < 500
    whole = serving.get("/openapi.json")
    ranged = serving.get("/openapi.json", headers={"Range": "bytes=" + ",".join(["0-"] * 900)})
    assert ranged.status == 200 and ranged.body == whole.body
    assert memory_of(serving) - before < 32


def test_heads_use_bounded_memory(own_server):
    serving = own_server()
    before = memory_of(serving)
    connections = []
    for _ in range(64):
        connection = socket.create_connection(("127.0.0.1", serving.port), timeout=10)
        connections.append(connection)
        try:
            for _ in range(64):
                connection.sendall(b"X: " + b"y" * 16000 + b"\r\n")
        except OSError:
            pass  # closed: more than a head may be
    assert memory_of(serving) - before < 32
    for connection in connections:
        connection.close()


def test_it_stops_soon_although_clients_do_not_read(own_server):
    serving = own_server()
    body = json.dumps({"text": TEXT, "edits": ["blocks.{layer}.hook_resid_post *= {f}"], "axes": ["layer=all", "f=0..1500"], "metric": "kl"})
    head = f"POST /api/sweep HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    pages = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 400
    connections = []
    for number in range(24):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", serving.port))
        connection.setblocking(False)
        try:
            connection.send((head + body if number % 2 else pages).encode())
        except BlockingIOError:
            pass
        connections.append(connection)
    time.sleep(1)
    assert serving.is_alive()
    begin = time.monotonic()
    assert serving.stop() in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
    assert time.monotonic() - begin < 30  # it was a minute; unloaded it is two seconds
    for connection in connections:
        connection.close()


def test_a_token_is_required_beyond_this_machine(own_server, tmp_path):
    serving = own_server("--host", "0.0.0.0")
    assert serving.token and len(serving.token) >= 32
    host = {"Host": f"192.168.7.7:{serving.port}"}
    assert serving.get("/api/status", headers=host).status == 401
    assert serving.get("/api/status", headers=host | {"Authorization": "Bearer wrong"}).status == 401
    assert serving.get("/api/status", headers=host | {"Authorization": f"Bearer {serving.token}"}).status == 200


def start_fails(tmp_path, *arguments, env=None):
    command = [PROGRAM, "serve", "--port", "0", "--data", str(tmp_path), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | (env or {}))
    assert result.returncode in (1, 2) and result.stderr.count("\n") == 1 and result.stdout == ""
    return result.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0", "[::]"])
def test_an_empty_token_is_rejected_where_others_can_reach_the_server(tmp_path, host):
    assert "token is empty" in start_fails(tmp_path, "--host", host, "--token", "")


@pytest.mark.parametrize("token", ["a b", "\u00fc", "a\nb", " a", "a ", "\t", "x" * 9000], ids=lambda token: ascii(token)[:20])
def test_a_token_that_no_header_carries_is_rejected(tmp_path, token):
    assert "the token must be" in start_fails(tmp_path, "--token", token)
    assert "the token must be" in start_fails(tmp_path, env={"STRATOSCOPE_TOKEN": token})


@pytest.mark.parametrize("token", ["t", "a#b&c=d", "token+plus", 'a"b<script>', "a%41b", "x" * 1024], ids=lambda token: ascii(token)[:20])
def test_any_other_token_works_from_wherever_it_comes(own_server, tmp_path, token):
    (tmp_path / "token").write_text(token + "\n")
    for serving in (own_server("--token", token), own_server("--token-file", tmp_path / "token"), own_server(env={"STRATOSCOPE_TOKEN": token})):
        assert urllib.parse.unquote(serving.token) == token
        assert serving.get("/api/status").status == 401
        assert serving.get("/api/status", headers={"Authorization": "Bearer " + token}).status == 200


def test_hosts_are_known_by_name_and_not_by_port(own_server):
    serving = own_server("--allow-host", "hub.example", "--allow-host", "lab.example:9000")
    for host, status in [("localhost:9000", 200), ("127.0.0.1", 200), ("hub.example", 200), ("hub.example:443", 200), ("lab.example:9000", 200), ("lab.example:9001", 421), ("evil.example", 421), (socket.gethostname() + ".evil.example", 421)]:
        assert serving.get("/api/status", headers={"Host": host}).status == status, host
    proxied = {"Host": f"localhost:{serving.port}", "Origin": "https://hub.example"}
    assert serving.get("/api/status", headers=proxied).status == 200
    assert serving.get("/api/status", headers=proxied | {"Origin": "https://evil.example"}).status == 403


def test_it_prints_addresses_that_open(own_server):
    serving = own_server("--host", "0.0.0.0")
    assert serving.host == "127.0.0.1"
    allowed = {"Authorization": f"Bearer {serving.token}"}
    for host in ("127.0.0.2", socket.gethostname()):
        assert serving.get("/api/status", headers=allowed | {"Host": f"{host}:{serving.port}"}).status == 200
        assert serving.get("/openapi.json", headers={"Host": f"{host}:{serving.port}"}).status == 200
