"""Tier 4: a server gets a word, a picture, and a picture whose answer is streamed.

OpenAI's protocol (vLLM, lmdeploy, sglang, llama.cpp's server, clouds), else that of LLaVA's controller and workers.
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
TOKENS = 8  # asked for
RED = b"\xdc\x14\x14"
SILENT = "(no text within %d tokens)" % TOKENS
ABSENT = (404, 405, 501)  # that path is not served
LOOPBACK = ("localhost", "127.0.0.1", "::1")
QUESTION = "What colour is the square in the middle? One word."


def run(teller, settings):
    server = teller.step("list of models", 1, lambda: found(teller, settings))
    if server is None:
        return
    for name, usual, ask in server.steps():
        teller.step(name, usual, lambda: ask(teller))


def found(teller, settings):
    """The server by the protocol that it speaks; one that lists nothing is asked for the model that the user named."""
    server = Server(settings["endpoint"], settings["deadline"], settings.get("served"))
    try:
        return server.named(server.models(teller))
    except Refused as refused:
        if refused.code not in ABSENT:
            raise teller.Wrong(str(refused)) from None
        controller = part("controller")  # noqa: F821 - given by child.part
        found = controller.found(teller, server)
        if found is not None:
            return found
        if not server.asked:
            raise teller.Wrong(str(refused)) from None
    return server.named([server.asked])


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A key must not travel to another host."""

    def redirect_request(self, *given):
        return None


class Refused(Exception):
    """An HTTP status from 400 up; the text is the server's own."""

    def __init__(self, code, text):
        Exception.__init__(self, text)
        self.code = code


class Server:
    """A server of OpenAI's protocol. ``asked``: the model that the user named."""

    def __init__(self, url, deadline, asked=None):
        base = url.rstrip("/")
        self.asked, self.root = asked, base
        self.base = base if urllib.parse.urlsplit(base).path else base + "/v1"
        host = urllib.parse.urlsplit(base).hostname
        proxies = urllib.request.ProxyHandler({} if host in LOOPBACK else None)
        self.opener = urllib.request.build_opener(proxies, NoRedirect())
        self.patience = max(1.0, min(PATIENCE, deadline / 4))
        self.limit = {"max_tokens": TOKENS, "temperature": 0}
        self.words = None  # prompt tokens of the question without a picture

    def named(self, names):
        """The same server, now that its models are known."""
        self.told = ", ".join(names[:5]) or "none named"
        self.model = self.asked or (names[0] if names else "default")
        return self

    def steps(self):
        return ("text", 5, self.text), ("image", 10, self.image), ("image, streaming", 10, self.stream)

    def ask(self, teller, path, body=None, base=None):
        """An open answer; Refused with what the server says against it."""
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request((base or self.base) + path, sent)
        request.add_header("Content-Type", "application/json")
        key = os.environ.get("OPENAI_API_KEY")
        if key and base is None:
            request.add_header("Authorization", "Bearer " + key)
        try:
            return self.opener.open(request, timeout=self.patience)
        except urllib.error.HTTPError as error:
            said = error.read(CAP).decode("utf-8", "replace")
            raise Refused(error.code, "HTTP %d from %s: %s" % (error.code, path, message(said))) from None

    def models(self, teller):
        with self.ask(teller, "/models") as answer:
            rows = read(teller, answer).get("data") or []
        return [str(row.get("id")) for row in rows if isinstance(row, dict)]

    def chat(self, teller, content, **more):
        """The answer to one message; a cloud that refuses an option is asked again without it."""
        for _ in range(3):
            messages = [{"role": "user", "content": content}]
            body = dict(model=self.model, messages=messages, **dict(self.limit, **more))
            try:
                return self.ask(teller, "/chat/completions", body)
            except Refused as refused:
                if refused.code != 400 or not self.fewer(str(refused)):
                    raise teller.Wrong(str(refused)) from None
        raise teller.Wrong("no set of options is accepted")

    def fewer(self, said):
        """Whether an option was the trouble; it is renamed or left out from now on."""
        if "max_tokens" in self.limit and "max_completion_tokens" in said:
            self.limit["max_completion_tokens"] = self.limit.pop("max_tokens")
            return True
        return "temperature" in said and self.limit.pop("temperature", None) is not None

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
        if pieces == [SILENT]:
            return SILENT
        rate = len(pieces) / max(time.monotonic() - began, 1e-9)
        return "first word after %.2f s, %.1f pieces/s: %s" % (first, rate, "".join(pieces)[:60])


def events(teller, answer):
    """The words of a server-sent stream."""
    taken, spoke = 0, False
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
            piece = words_of(choice.get("delta"))
            if piece:
                spoke = True
                yield piece
            elif cut(choice) and not spoke:
                yield SILENT


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
    said = words_of(choices[0].get("message")) or (SILENT if cut(choices[0]) else None)
    if not said:
        raise teller.Wrong("the answer is empty: %s" % json.dumps(answer)[:300])
    return str(said)[:60], (answer.get("usage") or {}).get("prompt_tokens")


def cut(choice):
    """Whether the answer ended at our limit: all its tokens went into thoughts that are not told, or special tokens."""
    return choice.get("finish_reason") == "length"


def words_of(message):
    """What was said; models that think aloud say nothing else within eight tokens."""
    message = message or {}
    return message.get("content") or message.get("reasoning_content") or message.get("reasoning")


def question(colour=RED):
    """A message with a picture, in OpenAI's form."""
    url = "data:image/png;base64," + base64.b64encode(picture(colour)).decode("ascii")
    return [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": QUESTION}]


def picture(colour=RED):
    """A square on white as PNG, without any imaging library."""
    quarter = SIDE // 4
    white = b"\xff\xff\xff"
    blank = b"\0" + white * SIDE
    crossed = b"\0" + white * quarter + colour * (SIDE - 2 * quarter) + white * quarter
    rows = blank * quarter + crossed * (SIDE - 2 * quarter) + blank * quarter
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) & 0xFFFFFFFF)
