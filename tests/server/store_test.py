"""Saved experiments over HTTP: saved, found, deleted; locked, damaged and deleted databases, full disks."""
import resource
import shutil
import signal
import sqlite3
import threading
import time

import pytest

from serving import TEXT


def experiment(note, **changes):
    return {
        "stratoscope": "experiment",
        "version": "0.1.0",
        "model": {"name": "novella-7m", "hash": "00ff"},
        "text": TEXT,
        "edits": [],
        "note": note,
    } | changes


def test_save_list_open_note_delete(own_server):
    server = own_server()
    first = server.post("/api/experiments", experiment("first", result={"x": [1, 2]}))
    assert first.status == 201
    second = server.post("/api/experiments", experiment("second")).json()["id"]
    assert [e["note"] for e in server.get("/api/experiments").json()["experiments"]] == ["second", "first"]
    assert [e["id"] for e in server.get("/api/experiments?search=SECOND").json()["experiments"]] == [second]
    identity = first.json()["id"]
    assert server.get(f"/api/experiments/{identity}").json()["experiment"] == experiment("first", result={"x": [1, 2]})
    assert server.ask("PATCH", f"/api/experiments/{identity}", {"note": "changed"}).status == 200
    assert server.get(f"/api/experiments/{identity}").json()["note"] == "changed"
    assert server.ask("DELETE", f"/api/experiments/{identity}").status == 204
    assert server.get(f"/api/experiments/{identity}").status == 404
    assert server.ask("DELETE", f"/api/experiments/{identity}").status == 404


def test_saves_outlive_the_process(own_server, tmp_path):
    server = own_server()
    server.post("/api/experiments", experiment("kept"))
    assert server.stop() == 0
    assert [e["note"] for e in own_server().get("/api/experiments").json()["experiments"]] == ["kept"]


def test_lists_have_the_beginnings_of_texts_and_searches_an_end(own_server):
    server = own_server()
    identity = server.post("/api/experiments", experiment("long", text="a" * 60000)).json()["id"]
    listed = server.get("/api/experiments?search=aaa").json()["experiments"]
    assert [e["id"] for e in listed] == [identity] and listed[0]["text"] == "a" * 300
    assert server.get(f"/api/experiments/{identity}").json()["experiment"]["text"] == "a" * 60000
    rejected = server.get("/api/experiments?search=" + "a" * 201)
    assert rejected.status == 400 and "200 bytes" in rejected.error


def test_a_database_that_another_process_holds_stops_neither_readers_nor_the_end(own_server, tmp_path):
    server = own_server()
    identity = server.post("/api/experiments", experiment("first")).json()["id"]
    holder = sqlite3.connect(tmp_path / "experiments.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    threads = [threading.Thread(target=server.post, args=("/api/experiments", experiment("waits"))) for _ in range(8)]
    for thread in threads:
        thread.daemon = True
        thread.start()
    assert server.get(f"/api/experiments/{identity}").json()["note"] == "first"
    begin = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begin < 20  # it was 5 s for each that waits; unloaded it is less than one
    holder.close()


def notes_of(server):
    """Of all experiments, page by page."""
    notes, before = [], 0
    while page := server.get(f"/api/experiments?before={before}").json()["experiments"]:
        notes += [e["note"] for e in page]
        before = page[-1]["id"]
    return set(notes)


def test_a_kill_loses_at_most_the_save_in_progress(own_server):
    saved = []
    for round_ in range(6):
        server = own_server()
        assert set(saved) <= notes_of(server)
        until = time.monotonic() + 0.2 + 0.07 * round_
        number = 0
        while time.monotonic() < until:
            note = f"{round_}-{number}"
            assert server.post("/api/experiments", experiment(note)).status == 201
            saved.append(note)
            number += 1
        server.stop(signal.SIGKILL)
    assert set(saved) <= notes_of(own_server())


def test_a_full_disk_is_a_507_and_loses_nothing(own_server, tmp_path):
    server = own_server()
    server.post("/api/experiments", experiment("kept"))
    limit = (tmp_path / "experiments.db").stat().st_size + 300_000
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    statuses = {server.post("/api/experiments", experiment("x" * 3000, result={"y": "z" * 200_000})).status for _ in range(8)}
    assert statuses <= {201, 507, 503} and statuses - {201}
    assert server.is_alive()
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert server.post("/api/experiments", experiment("after")).status == 201
    notes = [e["note"] for e in server.get("/api/experiments").json()["experiments"]]
    assert "kept" in notes and "after" in notes


def test_a_locked_database_is_a_503(own_server, tmp_path):
    server = own_server()
    server.post("/api/experiments", experiment("kept"))
    other = sqlite3.connect(tmp_path / "experiments.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    answer = server.post("/api/experiments", experiment("late"))
    assert answer.status == 503 and "another process" in answer.error
    other.close()
    assert server.post("/api/experiments", experiment("late")).status == 201


def test_two_servers_on_one_database_wait_for_each_other(own_server):
    servers, statuses = [own_server(), own_server()], []

    def save_many(server, name):
        for number in range(60):
            statuses.append(server.post("/api/experiments", experiment(f"{name}-{number}")).status)

    threads = [threading.Thread(target=save_many, args=(server, n)) for n, server in enumerate(servers * 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 240
    assert len(notes_of(servers[0])) == 240


def test_a_database_that_is_deleted_takes_no_saves(own_server, tmp_path):
    server = own_server()
    server.post("/api/experiments", experiment("kept"))
    for path in tmp_path.glob("experiments.db*"):
        path.unlink()
    answer = server.post("/api/experiments", experiment("lost"))
    assert answer.status == 503 and "was deleted" in answer.error
    assert server.stop() == 0
    assert own_server().get("/api/experiments").json()["experiments"] == []


@pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\x00" + b"\x99" * 8000])
def test_a_damaged_database_is_a_503_until_it_is_moved_away(own_server, tmp_path, content):
    (tmp_path / "experiments.db").write_bytes(content)
    server = own_server()
    answer = server.get("/api/experiments")
    assert answer.status == 503 and "experiments.db" in answer.error
    assert server.post("/api/predict", {"text": TEXT}).status == 200  # the rest works
    assert (tmp_path / "experiments.db").read_bytes() == content
    shutil.move(tmp_path / "experiments.db", tmp_path / "old")
    for left in tmp_path.glob("experiments.db-*"):
        left.unlink()
    assert server.get("/api/experiments").status == 200


def test_a_newer_database_is_rejected(own_server, tmp_path):
    server = own_server()
    server.post("/api/experiments", experiment("kept"))
    server.stop()
    with sqlite3.connect(tmp_path / "experiments.db") as database:
        database.execute("PRAGMA user_version = 42")
    database.close()
    answer = own_server().get("/api/experiments")
    assert answer.status == 503 and "newer version" in answer.error


def test_a_model_that_does_not_load_is_a_400(own_server, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    server = own_server("--models", broken)
    entry = server.get("/api/models").json()["models"][-1]
    assert entry["name"] == str(broken) and entry["problem"]
    assert server.post("/api/predict", {"text": TEXT, "model": str(broken)}).status == 400
    assert server.stream("/api/models/load", {"model": str(broken)}).status == 400
    assert server.post("/api/predict", {"text": TEXT}).status == 200


def test_sigterm_finishes_cleanly(own_server):
    server = own_server()
    connection = server.connect()  # an idle connection must not hold it up
    connection.request("GET", "/api/status")
    connection.getresponse().read()
    assert server.stop() == 0


def test_a_port_that_is_taken_is_an_error(own_server):
    import subprocess

    from serving import PROGRAM

    server = own_server()
    second = subprocess.run([PROGRAM, "serve", "--port", str(server.port)], capture_output=True, timeout=60)
    assert second.returncode == 1 and b"--port" in second.stderr
