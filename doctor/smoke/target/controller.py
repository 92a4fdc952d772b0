"""LLaVA's own protocol: a controller that knows workers, each of which streams one growing text between zero bytes.

As served by llava/serve/controller.py and model_worker.py of the LLaVA repository (release 1.2.2).
"""

import base64
import json
import time

WAITING = 5.0  # seconds for the worker's own address
PROMPT = "USER: %s%s ASSISTANT:"


def found(teller, server):
    """The controller behind ``server``, or None when that is no controller. Raises teller.Wrong without a worker."""
    endpoint = part("endpoint")  # noqa: F821 - given by child.part
    try:
        with server.ask(teller, "/list_models", {}, server.root) as answer:
            names = endpoint.read(teller, answer).get("models")
    except (endpoint.Refused, teller.Wrong, OSError):  # some other server, whose own answer is what counts
        return None
    if not isinstance(names, list):
        return None
    if not names:
        raise teller.Wrong("the controller answers, but no worker has registered with it")
    return Controller(server, endpoint, [str(name) for name in names])


class Controller:
    """A controller, and the first of its models or the one asked for."""

    def __init__(self, server, endpoint, names):
        self.told = "%s (a LLaVA controller)" % ", ".join(names[:5])
        self.server, self.endpoint = server, endpoint
        self.model = server.asked if server.asked in names else names[0]

    def steps(self):
        texts = ("text", 5, self.text), ("image, streaming", 10, self.image)
        return (("worker at its own address", 2, self.worker), *texts)

    def call(self, teller, path, body):
        try:
            return self.server.ask(teller, path, body, self.server.root)
        except self.endpoint.Refused as refused:
            raise teller.Wrong(str(refused)) from None

    def worker(self, teller):
        """Web servers ask the worker where it says it is, not through the controller."""
        with self.call(teller, "/get_worker_address", {"model": self.model}) as answer:
            address = str(self.endpoint.read(teller, answer).get("address") or "")
        if not address.startswith(("http://", "https://")):
            raise teller.Wrong("the controller knows no address of a worker for %s: %r" % (self.model, address))
        direct = self.endpoint.Server(address, 4 * WAITING)  # no key: its calls name their base
        try:
            with direct.ask(teller, "/worker_get_status", {}, direct.root) as answer:
                status = self.endpoint.read(teller, answer)
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise teller.Wrong("the worker registered as %s does not answer there: %s" % (address, reason)) from None
        return "%s, %s waiting" % (address, status.get("queue_length"))

    def text(self, teller):
        return self.generate(teller, "", [])

    def image(self, teller):
        picture = base64.b64encode(self.endpoint.picture()).decode("ascii")
        return self.generate(teller, "<image>\n", [picture])

    def generate(self, teller, mark, images):
        prompt = PROMPT % (mark, self.endpoint.QUESTION)
        body = {"model": self.model, "prompt": prompt, "temperature": 0, "max_new_tokens": self.endpoint.TOKENS}
        body.update({"stop": "</s>", "images": images})
        began, first, said = time.monotonic(), None, ""
        with self.call(teller, "/worker_generate_stream", body) as answer:
            for grown in pieces(teller, answer, self.endpoint.CAP):
                first, said = first or time.monotonic() - began, grown
        said = said[len(prompt) :] if said.startswith(prompt) else said  # Python 3.8 has no removeprefix
        if first is None or not said.strip():
            raise teller.Wrong("the stream ended without a word")
        return "first word after %.2f s: %s" % (first, said.strip()[:60])


def pieces(teller, answer, cap):
    """The growing text; an error of the worker ends it."""
    rest, taken = b"", 0
    for block in iter(lambda: answer.read1(1 << 16), b""):
        taken += len(block)
        if taken > cap:
            raise teller.Wrong("the stream does not end: more than %d bytes" % cap)
        *whole, rest = (rest + block).split(b"\0")
        for body in filter(None, whole):
            chunk = json.loads(body.decode("utf-8", "replace"))
            if chunk.get("error_code"):
                raise teller.Wrong("the worker says: %s (error_code %s)" % (chunk.get("text"), chunk["error_code"]))
            yield str(chunk.get("text") or "")
