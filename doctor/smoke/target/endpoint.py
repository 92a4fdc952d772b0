"""Tier 4: an OpenAI-compatible endpoint gets a word, a picture, and a picture whose answer is streamed.

Standard library only. A key is taken from OPENAI_API_KEY and never printed; redirects are not followed.
"""

import base64
import json
import os
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib

CAP = 1 << 20  # bytes read of an answer
SIDE = 96  # pixels of the picture
PATIENCE = 60.0  # seconds for one answer
LOOPBACK = ("localhost", "127.0.0.1", "::1")
QUESTION = "What colour is the square in the middle? One word."


def run(teller, settings):
    server = Server(settings["endpoint"], settings["deadline"])
    models = teller.step("list of models", 1, lambda: server.models(teller))
    if models is None:
        return
    server.model = settings.get("served") or server.served or "default"
    teller.step("text", 5, lambda: server.text(teller))
    teller.step("image", 10, lambda: server.image(teller))
    teller.step("image, streaming", 10, lambda: server.stream(teller))


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A key must not travel to another host."""

    def redirect_request(self, *given):
        return None


class Server:
    def __init__(self, url, deadline):
        base = url.rstrip("/")
        self.base = base if urllib.parse.urlsplit(base).path else base + "/v1"
        host = urllib.parse.urlsplit(base).hostname
        proxies = urllib.request.ProxyHandler({} if host in LOOPBACK else None)
        self.opener = urllib.request.build_opener(proxies, NoRedirect())
        self.patience = max(1.0, min(PATIENCE, deadline / 4))
        self.model = self.served = None
        self.words = None  # prompt tokens of the question without a picture

    def ask(self, teller, path, body=None):
        """An open answer; what the server says against it becomes the error's text."""
        request = urllib.request.Request(self.base + path, None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        key = os.environ.get("OPENAI_API_KEY")
        if key:
            request.add_header("Authorization", "Bearer " + key)
        try:
            return self.opener.open(request, timeout=self.patience)
        except urllib.error.HTTPError as error:
            said = error.read(CAP).decode("utf-8", "replace")
            raise teller.Wrong("HTTP %d from %s: %s" % (error.code, path, message(said))) from None

    def models(self, teller):
        with self.ask(teller, "/models") as answer:
            rows = read(teller, answer).get("data") or []
        names = [row.get("id") for row in rows if isinstance(row, dict)]
        self.served = names[0] if names else None
        return ", ".join(str(name) for name in names[:5]) or "none named"

    def chat(self, teller, content, **more):
        messages = [{"role": "user", "content": content}]
        body = dict(model=self.model, messages=messages, max_tokens=8, temperature=0, **more)
        return self.ask(teller, "/chat/completions", body)

    def text(self, teller):
        with self.chat(teller, QUESTION) as answer:
            said, self.words = content_of(teller, read(teller, answer))
        return said

    def image(self, teller):
        with self.chat(teller, question()) as answer:
            said, tokens = content_of(teller, read(teller, answer))
        if tokens and self.words and tokens <= self.words + 2:
            raise teller.Wrong("%d prompt tokens with and %d without the image: it is ignored" % (tokens, self.words))
        return "%s (%s prompt tokens)" % (said, tokens or "?")

    def stream(self, teller):
        began, first, pieces = time.monotonic(), None, []
        with self.chat(teller, question(), stream=True) as answer:
            for piece in events(teller, answer):
                first = first or time.monotonic() - began
                pieces.append(piece)
        if first is None:
            raise teller.Wrong("the stream ended without a word")
        rate = len(pieces) / max(time.monotonic() - began, 1e-9)
        return "first word after %.2f s, %.1f pieces/s: %s" % (first, rate, "".join(pieces)[:60])


def events(teller, answer):
    """The words of a server-sent stream."""
    taken = 0
    for line in answer:
        taken += len(line)
        if taken > CAP:
            raise teller.Wrong("the stream does not end: more than %d bytes" % CAP)
        line = line.strip()
        if not line.startswith(b"data:") or line.endswith(b"[DONE]"):
            continue
        chunk = json.loads(line[5:].decode("utf-8"))
        if chunk.get("error"):
            raise teller.Wrong("error in the stream: %s" % message(json.dumps(chunk)))
        for choice in chunk.get("choices") or []:
            piece = (choice.get("delta") or {}).get("content")
            if piece:
                yield piece


def read(teller, answer):
    text = answer.read(CAP).decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise teller.Wrong("no JSON object came but: %s" % text[:200])
    return value


def message(text):
    """The sentence in an error body, whatever its shape."""
    try:
        value = json.loads(text)
    except ValueError:
        return text[:300]
    while isinstance(value, dict):
        inner = value.get("error", value.get("message", value.get("detail")))
        if inner is None:
            break
        value = inner
    return (value if isinstance(value, str) else json.dumps(value))[:300]


def content_of(teller, answer):
    """(what was said, prompt tokens or None)"""
    choices = answer.get("choices") or [{}]
    said = (choices[0].get("message") or {}).get("content")
    if not said:
        raise teller.Wrong("the answer is empty: %s" % json.dumps(answer)[:300])
    return str(said)[:60], (answer.get("usage") or {}).get("prompt_tokens")


def question():
    url = "data:image/png;base64," + base64.b64encode(picture()).decode("ascii")
    return [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": QUESTION}]


def picture():
    """A red square on white as PNG, without any imaging library."""
    quarter = SIDE // 4
    white, red = b"\xff\xff\xff", b"\xdc\x14\x14"
    blank = b"\0" + white * SIDE
    crossed = b"\0" + white * quarter + red * (SIDE - 2 * quarter) + white * quarter
    rows = blank * quarter + crossed * (SIDE - 2 * quarter) + blank * quarter
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) & 0xFFFFFFFF)
