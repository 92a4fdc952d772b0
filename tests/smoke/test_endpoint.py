"""Tier 4 against stand-ins for the common servers, in a thread of this process."""

import base64
import http.server
import json
import threading
import zlib

import pytest

from doctor.smoke.run import smoke

REFUSALS = {
    "no-images": (400, "At most 0 image(s) may be provided in one prompt."),
    "no-mmproj": (500, "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"),
    "loading": (503, "Loading model"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    kind = "good"
    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def give(self, code, value, kind="application/json"):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.server.keys.append(self.headers.get("Authorization"))
        if self.kind == "locked":
            self.give(401, {"error": {"message": "Incorrect API key provided"}})
        elif self.kind == "html":
            self.give(200, b"<html>a login page</html>")
        elif self.kind == "moved":
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
            self.end_headers()
        else:
            self.give(200, {"data": [{"id": "tiny-vlm"}]} if self.path == "/v1/models" else {})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = body["messages"][0]["content"]
        picture = isinstance(content, list)
        if self.kind == "loading" or (picture and self.kind in REFUSALS):
            code, text = REFUSALS[self.kind]
            return self.give(code, {"error": {"message": text}})
        said = "Red" if picture and seen(content) == b"\xdc\x14\x14" else "none"
        if self.kind in ("mute", "thinking"):
            said = ""
        reason = "length" if self.kind == "thinking" else "stop"
        if body.get("stream"):
            deltas = [{"delta": {"content": c}} for c in said] + [{"delta": {}, "finish_reason": reason}]
            chunks = [b"data: " + json.dumps({"choices": [delta]}).encode() for delta in deltas]
            return self.give(200, b"\n\n".join([*chunks, b"data: [DONE]", b""]), "text/event-stream")
        tokens = 90 if picture and self.kind != "blind" else 12
        self.give(200, {"choices": [{"message": {"content": said}, "finish_reason": reason}], "usage": {"prompt_tokens": tokens}})
        return None


def seen(content):
    """The pixel in the middle of the picture that was sent."""
    raw = base64.b64decode(content[0]["image_url"]["url"].partition(",")[2])
    rows = zlib.decompressobj().decompress(raw[raw.index(b"IDAT") + 4 :])
    at = 48 * (96 * 3 + 1) + 1 + 48 * 3
    return rows[at : at + 3]


@pytest.fixture
def serve(stack, monkeypatch):
    servers = []
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # a proxy must not stand between us and this machine

    def start(kind):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Handler,), {"kind": kind}))
        server.keys = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        outcome = smoke(stack.request(4, endpoint=f"http://127.0.0.1:{server.server_port}", timeout=10.0))
        return outcome, server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_good_server(serve):
    outcome, _ = serve("good")
    assert not outcome.failed(), outcome.output
    details = {result.step: result.detail for result in outcome.results}
    assert details["list of models"] == "tiny-vlm"
    assert details["image"] == "Red (90 prompt tokens)"
    assert details["image, streaming"].endswith("Red")


def test_thoughts_that_are_not_told_are_no_failure(serve):
    """Eight tokens are soon spent: clouds answer with an empty text then, and say that the limit ended it."""
    outcome, _ = serve("thinking")
    assert not outcome.failed(), outcome.output
    details = {result.step: result.detail for result in outcome.results}
    assert "no text within 8 tokens" in details["image"]
    assert "no text within 8 tokens" in details["image, streaming"]


@pytest.mark.parametrize(
    ("kind", "step", "word"),
    [
        ("no-images", "image", "At most 0 image(s)"),
        ("no-mmproj", "image", "mmproj"),
        ("loading", "text", "HTTP 503"),
        ("locked", "list of models", "HTTP 401"),
        ("html", "list of models", "login page"),
        ("moved", "list of models", "HTTP 302"),
        ("blind", "image", "it is ignored"),
        ("mute", "text", "empty"),
    ],
)
def test_a_bad_server_is_told_in_its_own_words(serve, kind, step, word):
    outcome, _ = serve(kind)
    first = outcome.failed()[0]
    assert first.step == step
    assert word in first.detail
    assert word.encode() in outcome.output


def test_nobody_there(stack):
    outcome = smoke(stack.request(4, endpoint="http://127.0.0.1:9", timeout=10.0))
    assert "Connection refused" in outcome.failed()[0].detail


def test_the_key_is_sent_and_never_printed(serve, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-verysecretverysecret")
    outcome, server = serve("locked")
    assert server.keys == ["Bearer sk-verysecretverysecret"]
    assert b"verysecret" not in outcome.output
    assert "verysecret" not in str(outcome.facts())
