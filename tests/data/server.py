"""A local server that can interrupt, resume or refuse downloads, and send wrong headers."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """What the server has and how it behaves.

    `break_after` bytes each answer ends, as if the line had gone dead; `ranges` says whether it resumes.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.break_after: int | None = None
        self.ranges = True
        self.tagged = True
        self.chunked = False
        self.moved: str | None = None  # where it redirects to
        self.length: str | None = None  # the header, if it is not the truth
        self.status: list[int] = []  # answers to the next requests, before normal service
        self.requests: list[str | None] = []  # requested ranges

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:8]}"'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self):
        site, wanted = self.site, self.headers["Range"]
        site.requests.append(wanted)
        if site.status:
            self.send_response(site.status.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if site.moved is not None:
            self.send_response(302)
            self.send_header("Location", site.moved)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and site.ranges else 0
        if self.headers["If-Range"] not in (None, site.tag):
            start = 0
        if start >= len(site.content):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(site.content) - 1}/{len(site.content)}")
        if site.tagged:
            self.send_header("ETag", site.tag)
        if not site.chunked:
            self.send_header("Content-Length", site.length or str(len(site.content) - start))
        self.send_header("Connection", "close")
        self.end_headers()
        end = len(site.content) if site.break_after is None else start + site.break_after
        self.wfile.write(site.content[start:end])
        self.close_connection = True

    def log_message(self, *_):
        pass


@contextmanager
def serve(site: Site) -> Iterator[str]:
    """Address of the running server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"site": site}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
