"""A web server on this computer that serves files, and misbehaves as it is told to."""

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(kw_only=True)
class Files:
    """What the server has and does.

    Attributes:
        bodies: path -> bytes.
        types: path -> content type, where it is not application/octet-stream.
        faults: what to do instead of serving, one a request, the oldest first: ``None`` serves;
            ``("cut", n)`` breaks off after n bytes; ``("stall", n)`` sends n bytes and then nothing;
            ``("drop",)`` hangs up; ``("answer", status, headers)``.
        ranges: whether parts may be asked for.
        tags: whether ETags are sent.
        seen: path, Range and If-Range of every request.
    """

    bodies: dict = field(default_factory=dict)
    types: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)
    ranges: bool = True
    tags: bool = True
    seen: list = field(default_factory=list)
    url: str = ""

    @property
    def asked(self) -> list:
        """The Range header of each request, None without one."""
        return [seen[1] for seen in self.seen]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        files = self.server.files
        path = urlsplit(self.path).path
        files.seen.append((self.path, self.headers["Range"], self.headers["If-Range"]))
        kind, *rest = files.faults.pop(0) or ("serve",) if files.faults else ("serve",)
        if kind == "drop":
            self.close_connection = True
        elif kind == "answer":
            self.answer(rest[0], rest[1] if len(rest) > 1 else {})
        elif path == "/licence_accept":  # ICOS: a cookie, and a relative address that asks for it
            self.answer(302, {"Location": "/objects/one", "Set-Cookie": "CpLicenseAcceptedFor=one; Path=/objects"})
        elif path.startswith("/objects") and "CpLicenseAcceptedFor=one" not in (self.headers["Cookie"] or ""):
            self.answer(200, {"Content-Type": "text/html"}, b"<html>accept the licence</html>")
        elif path not in files.bodies:
            self.answer(404)
        else:
            self.serve(files, path, kind, rest[0] if rest else None)

    def serve(self, files, path, kind, most):
        body = files.bodies[path]
        tag = f'"{hashlib.md5(body).hexdigest()}"'
        wanted = self.headers["Range"] if files.ranges else None
        if wanted and self.headers["If-Range"] not in (None, tag):
            wanted = None
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        headers = {"Content-Type": files.types.get(path, "application/octet-stream")}
        if files.tags:
            headers["ETag"] = tag
        if start >= len(body) and wanted:
            self.answer(416, headers | {"Content-Range": f"bytes */{len(body)}"})
            return
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        self.send_response(206 if wanted else 200)
        for name, value in (headers | {"Content-Length": str(len(body) - start)}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[start:] if most is None else body[start : start + most])
        self.wfile.flush()
        if kind == "stall":
            self.server.released.wait(10)
        if most is not None:
            self.close_connection = True

    def answer(self, status, headers=None, body=b""):
        self.send_response(status)
        for name, value in ((headers or {}) | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Stay silent."""


@contextmanager
def file_server():
    """Serve on a free port of this computer until the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.handle_error = lambda *args: None  # a client that hangs up is no fault here
    server.files = Files(url=f"http://127.0.0.1:{server.server_port}")
    server.released = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.files
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
