"""A small Hugging Face hub on loopback: it answers as the hub does, and misbehaves on request of a test.

    with Hub() as hub:
        hub.add("openai-community/gpt2", {"config.json": b"...", "model.safetensors": b"..."}, alias="gpt2")
        hub.misbehave("GET", "model.safetensors", drop_after=1000, times=2)
        ... HF_ENDPOINT=hub.address ...
        hub.requests   # what was asked, and how many bytes of each body went out

Large files are redirected to a second server, as the hub redirects to its content delivery network: another origin,
addresses that are signed and end, an ETag that is not the file's hash. docs/cache.md has the sources.
"""
import gzip
import hashlib
import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CHUNK = 1 << 16


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@dataclass
class File:
    data: bytes
    large: bool

    @property
    def etag(self):
        return sha256(self.data) if self.large else git_sha1(self.data)


@dataclass
class Repository:
    name: str
    commits: dict  # commit -> {file name: File}
    revisions: dict  # branch or tag -> commit
    tokens: set = None  # who may read it; None: everybody
    gated: bool = False  # known to all, read by those with a token


@dataclass
class Request:
    server: str  # "hub" or "cdn"
    method: str
    file: str  # the last part of the path
    path: str
    first_byte: int
    token: str
    status: int = 0
    sent: int = 0  # bytes of body


@dataclass
class Fault:
    method: str
    part: str  # of the path
    server: str
    times: int
    what: dict = field(default_factory=dict)


def commit_of(text):
    return hashlib.sha1(text.encode()).hexdigest()


class Hub:
    """`tls`: (certificate file, key file) for https. `rate`: bytes a second of each large file, 0 for no limit.
    `lists_sizes`: sizes in lists of files, as the hub; mirrors may leave them out."""

    def __init__(self, tls=None, rate=0, lists_sizes=True):
        self.repositories, self.aliases, self.requests, self.faults, self.errors = {}, {}, [], [], []
        self.rate, self.lists_sizes = rate, lists_sizes
        self.lock = threading.Lock()
        self.closing = threading.Event()
        scheme = "https" if tls else "http"
        self.servers = {name: self._serve(name, tls) for name in ("hub", "cdn")}
        self.address, self.cdn = (f"{scheme}://127.0.0.1:{self.servers[n].server_port}" for n in ("hub", "cdn"))

    def _serve(self, name, tls):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads, server.name, server.hub = True, name, self
        server.handle_error = self._note_error
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server

    def _note_error(self, *_):
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # a client that went away is part of the game
            self.errors.append(error)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        for server in self.servers.values():
            server.shutdown()
            server.server_close()
        assert not self.errors, self.errors

    def add(self, name, files, alias=None, revision="main", tokens=None, gated=False):
        """A new commit of a repository. Files of more than 1 kB are large ones. Returns the commit."""
        repository = self.repositories.setdefault(name, Repository(name, {}, {}))
        repository.tokens, repository.gated = tokens, gated
        commit = commit_of(name + revision + str(len(repository.commits)))
        repository.commits[commit] = {file: File(data, len(data) > 1000) for file, data in files.items()}
        repository.revisions[revision] = commit
        if alias:
            self.aliases[alias] = name
        return commit

    def misbehave(self, method, part, times=1, server=None, **what):
        """The next `times` requests of this kind go wrong: see Handler.misbehave."""
        self.faults.append(Fault(method, part, server, times, what))

    def fault_for(self, request):
        with self.lock:
            for fault in self.faults:
                fits = fault.method in ("", request.method) and fault.part in request.path
                if fits and fault.server in (None, request.server) and fault.times > 0:
                    fault.times -= 1
                    return fault.what
        return {}

    def asked(self, method, file, server=None):
        return [
            request
            for request in self.requests
            if request.method == method and request.file == file and server in (None, request.server)
        ]

    def bytes_sent(self, file):
        return sum(request.sent for request in self.requests if request.file == file and request.method == "GET")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer()

    def do_HEAD(self):
        self.answer()

    def answer(self):
        hub, parts = self.server.hub, urllib.parse.urlsplit(self.path)
        range_text = self.headers.get("Range", "")
        self.request_log = Request(
            self.server.name,
            self.command,
            urllib.parse.unquote(urllib.parse.parse_qs(parts.query).get("name", [parts.path.split("/")[-1]])[0]),
            self.path,
            int(range_text[len("bytes=") : -1]) if range_text else 0,
            self.headers.get("Authorization", "").removeprefix("Bearer "),
        )
        with hub.lock:
            hub.requests.append(self.request_log)
        self.fault = hub.fault_for(self.request_log)
        if self.misbehave():
            return
        path = [urllib.parse.unquote(part) for part in parts.path.split("/")[1:]]
        if self.server.name == "cdn":
            self.blob(path)
        elif path[:3] == ["api", "resolve-cache", "models"]:
            self.file("/".join(path[3:-2]), path[-2], path[-1])
        elif path[:2] == ["api", "models"]:
            self.revision("/".join(path[2:-2]), path[-1])
        elif "resolve" in path:
            at = path.index("resolve")
            self.resolve("/".join(path[:at]), path[at + 1], "/".join(path[at + 2 :]))
        else:
            self.say(404)

    def misbehave(self):
        """Faults that replace the answer; the others change what send() does."""
        fault = self.fault
        if "status" in fault:
            self.say(fault["status"], fault.get("headers", {}), fault.get("body", b""))
        elif "redirect" in fault:
            self.say(302, {"Location": fault["redirect"]})
        elif fault.get("hang_up"):
            self.drop()
        elif fault.get("silence"):
            self.server.hub.closing.wait(60)
            self.drop()
        elif "garbage" in fault:
            self.wfile.write(fault["garbage"])
            self.wfile.flush()
            self.close_connection = True
        elif fault.get("endless_headers"):
            self.send_response(200)
            self.flush_headers()
            try:
                while not self.server.hub.closing.is_set():
                    self.wfile.write(b"X-More: " + b"x" * 8000 + b"\r\n")
            except OSError:
                pass
            self.close_connection = True
        else:
            return False
        return True

    def drop(self, reset=True):
        """Ends the connection as a crash does: with a reset, which may overtake what was sent; or as a clean close."""
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    # The hub

    def may_read(self, repository, file=False):
        token = self.request_log.token
        if repository is None:
            no_token = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Invalid username or password."}
            self.say(404 if token else 401, {"X-Error-Code": "RepoNotFound"} if token else no_token)
        elif token and token.startswith("bad"):
            self.say(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif repository.tokens is not None and token not in repository.tokens and repository.gated and file:
            self.say(403 if token else 401, {"X-Error-Code": "GatedRepo"})
        elif repository.tokens is not None and token not in repository.tokens and not repository.gated:
            self.say(401 if not token else 404, {"X-Error-Code": "RepoNotFound"})
        else:
            return True
        return False

    def renamed(self, name):
        alias = self.server.hub.aliases.get(name)
        if alias is None:
            return False
        self.say(307, {"Location": self.path.replace("/" + name + "/", "/" + alias + "/", 1)})
        return True

    def revision(self, name, revision):
        if self.renamed(name):
            return
        repository = self.server.hub.repositories.get(name)
        if not self.may_read(repository):
            return
        commit = repository.revisions.get(revision, revision)
        if commit not in repository.commits:
            self.say(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id: " + revision})
            return
        answer = {
            "id": name,
            "modelId": name,
            "sha": commit,
            "gated": "auto" if repository.gated else False,
            "siblings": [self.sibling(*named) for named in repository.commits[commit].items()],
        }
        answer |= self.fault.get("json", {})
        body, headers = json.dumps(answer).encode(), {"Content-Type": "application/json; charset=utf-8"}
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        self.say(200, headers, body)

    def sibling(self, name, file):
        if not self.server.hub.lists_sizes or "blobs=true" not in self.path:
            return {"rfilename": name}
        told = {"rfilename": name, "size": len(file.data), "blobId": file.etag}
        if file.large:  # git has a pointer to it
            large = {"sha256": file.etag, "size": len(file.data), "pointerSize": 134}
            told |= {"blobId": git_sha1(b"a pointer"), "size": 134, "lfs": large}
        return told

    def resolve(self, name, revision, file):
        if self.renamed(name):
            return
        repository = self.server.hub.repositories.get(name)
        if not self.may_read(repository, file=True):
            return
        commit = repository.revisions.get(revision, revision)
        found = repository.commits.get(commit, {}).get(file)
        if found is None:
            code = "EntryNotFound" if commit in repository.commits else "RevisionNotFound"
            self.say(404, {"X-Error-Code": code, "X-Repo-Commit": commit})
            return
        if not found.large:  # in git: told by a relative redirect where it is cached
            self.say(307, {"Location": f"/api/resolve-cache/models/{name}/{commit}/{urllib.parse.quote(file)}"})
            return
        signed = urllib.parse.urlencode({"name": file, "commit": commit, "signature": str(time.monotonic_ns())})
        headers = {
            "X-Repo-Commit": commit,
            "X-Linked-ETag": f'"{found.etag}"',
            "X-Linked-Size": str(len(found.data)),
            "Location": f"{self.server.hub.cdn}/{name}/{found.etag}?{signed}",
        }
        self.say(302, headers | self.fault.get("headers", {}))

    def file(self, name, commit, file):
        repository = self.server.hub.repositories[name]
        found = repository.commits[commit][file]
        self.send(found.data, {"ETag": f'"{found.etag}"', "X-Repo-Commit": commit})

    def blob(self, path):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        repository = self.server.hub.repositories["/".join(path[:-1])]
        found = repository.commits[query["commit"][0]][query["name"][0]]
        self.send(found.data, {"ETag": f'"{sha256(b"another hash" + path[-1].encode())}"'})

    # Answers

    def say(self, status, headers=(), body=b""):
        self.request_log.status = status
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send(self, data, headers):
        """A file's bytes from the first requested one, and their faults:

        body            other bytes in its place
        content_length  another length than the truth, which ends the connection
        no_ranges       from the first byte, whatever was asked for
        wrong_range     a Content-Range that was not asked for
        drop_after      so many bytes are sent, then the connection ends; with reset it breaks
        stall_after     so many bytes are sent, then nothing
        rate            bytes a second
        headers         replace the right ones; None: left out
        """
        fault = self.fault
        data = fault.get("body", data)
        first = 0 if fault.get("no_ranges") else self.request_log.first_byte
        if first > len(data) or (first == len(data) and first > 0):
            self.say(416, {"Content-Range": f"bytes */{len(data)}"})
            return
        self.request_log.status = 206 if first else 200
        self.send_response(self.request_log.status)
        if first:
            start = first + 1 if fault.get("wrong_range") else first
            headers = headers | {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        length = fault.get("content_length", len(data) - first)
        for name, value in (headers | {"Content-Length": str(length)} | fault.get("headers", {})).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(memoryview(data)[first:], fault)
        self.close_connection = self.close_connection or "content_length" in fault

    def send_body(self, data, fault):
        rate = fault.get("rate", self.server.hub.rate if len(data) > 1000 else 0)
        stop = min(fault.get("drop_after", len(data)), fault.get("stall_after", len(data)), len(data))
        chunk = max(1, min(CHUNK, rate // 100)) if rate else CHUNK
        begin, sent = time.monotonic(), 0
        try:
            while sent < stop:
                piece = data[sent : min(sent + chunk, stop)]
                self.wfile.write(piece)
                sent += len(piece)
                self.request_log.sent += len(piece)
                if rate:
                    time.sleep(max(0, sent / rate - (time.monotonic() - begin)))
        except OSError:  # the client is gone
            self.close_connection = True
            return
        if "stall_after" in fault:
            self.server.hub.closing.wait(60)
        if "stall_after" in fault or "drop_after" in fault:
            self.wfile.flush()
            self.drop(fault.get("reset", False))


def make_certificates(folder):
    """A private certificate authority and a server with its certificate: (authority, (certificate, key))."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    request = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch"]
    openssl(*request, "-x509", "-days", "2", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(*request, "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr")
    (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1\n")
    sign = ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
    openssl(*sign, "-extfile", "server.ext", "-out", "server.pem")
    return folder / "ca.pem", (folder / "server.pem", folder / "server.key")
