"""An index on the loopback in front of the configured one, with a metadata file beside every wheel.

Many mirrors have none, and a resolver then downloads whole wheels to look into them.
"""

import json
import threading
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from doctor.errors import KnowledgeError
from doctor.knowledge import index

KIND = "application/vnd.pypi.simple.v1+json"


class Front:
    def __init__(self):
        self.address, self.own = index.configured(), threading.local()
        self.known = {}
        self.page = lru_cache(maxsize=None)(self._page)
        self.metadata = lru_cache(maxsize=None)(self._metadata)

    @property
    def source(self):
        """One session a thread, so that connections are kept."""
        if not hasattr(self.own, "index"):
            self.own.index = index.Index(self.address)
        return self.own.index

    def _page(self, name):
        files = [each for each in self.source.files(name) if each.name.endswith(".whl")]
        self.known.update({each.name: each for each in files})
        rows = [
            {"filename": f.name, "url": f"/files/{f.name}", "requires-python": f.python, "yanked": False if f.yanked is None else f.yanked, "hashes": {}, "core-metadata": True}
            for f in files
        ]
        return json.dumps({"meta": {"api-version": "1.0"}, "name": name, "files": rows}).encode()

    def _metadata(self, name):
        return self.source.metadata(self.known[name]).encode()

    def answer(self, path):
        part = unquote(path.strip("/").rpartition("/")[2])
        return self.page(part) if path.startswith("/simple/") else self.metadata(part.removesuffix(".metadata"))


@contextmanager
def serve():
    front = Front()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            try:
                status, body = 200, front.answer(self.path)
            except (KnowledgeError, KeyError):
                status, body = 404, b""
            self.send_response(status)
            self.send_header("Content-Type", KIND if self.path.startswith("/simple/") else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple/"
    finally:
        server.shutdown()
        server.server_close()
