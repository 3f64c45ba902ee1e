"""`stratoscope serve` as a process on a free port, and requests to it."""
import http.client
import json
import os
import re
import select
import signal
import struct
import subprocess
import threading

PROGRAM = os.environ["STRATOSCOPE"]
TIME_LIMIT = 120  # seconds; only a hang takes so long
TEXT = "A wise man once said: Penguins are cute."


class JobResult:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json()["error"]["message"]

    def events(self):
        """(name, data) of text/event-stream."""
        pieces = self.body.decode().split("\n\n")
        assert pieces.pop() == ""
        found = [re.fullmatch(r"event: (.*)\ndata: (.*)", piece, re.DOTALL).groups() for piece in pieces]
        return [(name, json.loads(data)) for name, data in found]

    def messages(self):
        """(head, body) of each message of /api/batch."""
        found, at = [], 0
        while at < len(self.body):
            head, body = struct.unpack_from("<II", self.body, at)
            at += 8
            found.append((json.loads(self.body[at : at + head]), self.body[at + head : at + head + body]))
            at += head + body
        assert at == len(self.body)
        return found


class Serving:
    def __init__(self, folder, *arguments, env=None):
        self.folder = folder
        self.command = [PROGRAM, "serve", "--port", "0", "--data", str(folder), *map(str, arguments)]
        self.env = os.environ | {"TMPDIR": str(folder)} | (env or {})

    def __enter__(self):
        self.process = subprocess.Popen(self.command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert select.select([self.process.stdout], [], [], TIME_LIMIT)[0], "the server does not start"
        line = self.process.stdout.readline().decode()
        found = re.search(r"http://(\S+):(\d+)/(?:#token=(\S+))?", line)
        assert found, line + self.process.stderr.read().decode()
        self.host, self.port, self.token = found[1], int(found[2]), found[3]
        # Its later output must not fill the pipes.
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=stream.read, daemon=True).start()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(TIME_LIMIT)

    def is_alive(self):
        return self.process.poll() is None

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIME_LIMIT)

    def ask(self, method, path, body=None, headers=None):
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        given = {"Content-Type": "application/json"} if body is not None else {}
        connection = self.connect()
        try:
            connection.request(method, path, body, given | (headers or {}))
            return JobResult(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body, **options):
        return self.ask("POST", path, body, **options)

    def stream(self, path, body, **headers):
        return self.ask("POST", path, body, {"Accept": "text/event-stream"} | headers)
