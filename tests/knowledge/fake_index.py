"""A package index on the loopback: PEP 691 or PEP 503, with side files or ranges, and some bad manners."""

import html
import io
import json
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def wheel(name, version, requires=(), padding=0):
    """Bytes of a small wheel; ``padding`` pushes METADATA away from the end of the file."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {each}" for each in requires)]
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(lines) + "\n\nWords.\n")
        archive.writestr(f"{name}/big.bin", b"\0" * padding)
    return data.getvalue()


class Fake:
    """``projects``: name -> list of (file name, bytes, requires_python, yanked reason or None)."""

    def __init__(self):
        self.projects, self.kind, self.side_files, self.ranges = {}, "json", True, True
        self.redirect, self.asked, self.raw = None, [], None

    def add(self, name, file, body=b"", python=None, yanked=None):
        self.projects.setdefault(name, []).append((file, body, python, yanked))

    def page(self, name):
        rows = self.projects[name]
        if self.kind == "json":
            files = [
                {"filename": f, "url": f"/files/{f}", "requires-python": p, "yanked": y if y is not None else False, "core-metadata": self.side_files}
                for f, _, p, y in rows
            ]
            return json.dumps({"files": files}).encode(), "application/vnd.pypi.simple.v1+json"
        links = []
        for f, _, p, y in rows:
            extra = f' data-requires-python="{html.escape(p)}"' if p else ""
            extra += f' data-yanked="{html.escape(y)}"' if y is not None else ""
            extra += ' data-core-metadata="true"' if self.side_files else ""
            links.append(f'<a href="/files/{f}#sha256=00"{extra}>{f}</a>')
        return "\n".join(links).encode(), "text/html"

    def answer(self, path, headers):
        """(status, headers, body)."""
        self.asked.append((path, headers))
        if self.redirect:
            return 302, {"Location": self.redirect}, b""
        if self.raw is not None:
            return 200, {"Content-Type": "application/json"}, self.raw
        if path.startswith("/simple/"):
            name = path.split("/")[2]
            if name not in self.projects:
                return 404, {}, b""
            body, kind = self.page(name)
            return 200, {"Content-Type": kind}, body
        file = path.rsplit("/", 1)[1]
        body = next(b for rows in self.projects.values() for f, b, _, _ in rows if f == file.removesuffix(".metadata"))
        if file.endswith(".metadata"):
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                return 200, {}, archive.read(archive.namelist()[0])
        return self.part(body, headers.get("Range", ""))

    def part(self, body, wanted):
        if not self.ranges or not wanted:
            return 200, {}, body
        start, _, end = wanted.removeprefix("bytes=").partition("-")
        low, high = (int(start), int(end)) if start else (max(0, len(body) - int(end)), len(body) - 1)
        high = min(high, len(body) - 1)
        return 206, {"Content-Range": f"bytes {low}-{high}/{len(body)}"}, body[low : high + 1]


@contextmanager
def serve():
    """A running fake; its address is ``fake.url``."""
    fake = Fake()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, body = fake.answer(self.path, dict(self.headers))
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}/simple/"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
