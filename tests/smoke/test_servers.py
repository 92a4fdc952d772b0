"""Tier 4 against each server's own way of answering, errors included; and LLaVA's controller with its worker.

The shapes are those of the servers' sources: vLLM and lmdeploy ({"object": "error"}), sglang, llama.cpp ({"error":
{"code", "message", "type"}}), clouds that refuse `max_tokens` or `temperature`, and llava/serve of LLaVA 1.2.2.
"""

import http.server
import json
import threading

import pytest

from doctor.smoke.run import smoke


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def give(self, value, code=200):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body)

    def sent(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")


class OpenAI(Answering):
    """A server of the family; subclasses say where they differ."""

    def refuse(self, body):
        return None

    def do_GET(self):
        known = self.path.endswith("/v1/models")
        self.give({"object": "list", "data": [{"id": "vlm"}]} if known else {"detail": "Not Found"}, 200 if known else 404)

    def do_POST(self):
        body = self.sent()
        refused = self.refuse(body)
        if refused:
            return self.give(*refused)
        picture = isinstance(body["messages"][0]["content"], list)
        if body.get("stream"):
            return self.give(b"".join(b"data: " + json.dumps(c).encode() + b"\n\n" for c in self.chunks()) + b"data: [DONE]\n\n")
        return self.give({"choices": [{"message": self.message()}], "usage": {"prompt_tokens": 70 if picture else 12}})

    def message(self):
        return {"role": "assistant", "content": "Red"}

    def chunks(self):
        return [{"choices": [{"delta": {"role": "assistant"}}]}, {"choices": [{"delta": {"content": "Red"}}]}, {"choices": []}]


class Thinking(OpenAI):
    """vLLM with a reasoning parser: eight tokens are all thought."""

    def message(self):
        return {"role": "assistant", "content": None, "reasoning_content": "The square"}

    def chunks(self):
        return [{"choices": [{"delta": {"content": None, "reasoning_content": "The"}}]}]


class Vllm(OpenAI):
    def refuse(self, body):
        if isinstance(body["messages"][0]["content"], list):
            text = "At most 0 image(s) may be provided in one prompt. You can set `--limit-mm-per-prompt` to increase this limit"
            return {"object": "error", "message": text, "type": "BadRequestError", "code": 400}, 400
        return None


class Lmdeploy(OpenAI):
    def refuse(self, body):
        return {"object": "error", "message": "The model 'other' does not exist.", "code": 404, "type": "NotFoundError"}, 404


class Sglang(OpenAI):
    def refuse(self, body):
        if isinstance(body["messages"][0]["content"], list):
            return {"error": {"message": "Internal server error: CUDA out of memory", "code": 500}}, 500
        return None


class LlamaCpp(OpenAI):
    def refuse(self, body):
        if isinstance(body["messages"][0]["content"], list):
            text = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
            return {"error": {"code": 500, "message": text, "type": "server_error"}}, 500
        return None


class Cloud(OpenAI):
    """New names of the options, no temperature, a path of its own, no list of models."""

    def do_GET(self):
        self.give({"error": {"message": "no such path"}}, 404)

    def refuse(self, body):
        if "max_tokens" in body:
            text = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            return {"error": {"message": text, "type": "invalid_request_error"}}, 400
        if "temperature" in body:
            return {"error": {"message": "Unsupported value: 'temperature' does not support 0 with this model."}}, 400
        return None if body.get("model") == "big-vl" and self.path == "/compatible/v1/chat/completions" else ({}, 404)


class Controller(Answering):
    """LLaVA's controller and its worker in one; a bare app of FastAPI answers 404 to everything else."""

    models = ("llava-v1.5-7b",)
    gone = False  # the worker's address leads nowhere
    error = 0

    def do_GET(self):
        self.give({"detail": "Not Found"}, 404)

    def do_POST(self):
        body = self.sent()
        port = 9 if self.gone else self.server.server_port
        if self.path == "/list_models":
            return self.give({"models": list(self.models)})
        if self.path == "/get_worker_address":
            return self.give({"address": f"http://127.0.0.1:{port}" if body["model"] in self.models else ""})
        if self.path == "/worker_get_status":
            return self.give({"model_names": list(self.models), "speed": 1, "queue_length": 0})
        if self.path != "/worker_generate_stream":
            return self.give({"detail": "Not Found"}, 404)
        assert body["prompt"].count("<image>") == len(body["images"])
        if self.error:
            return self.give(json.dumps({"text": "NETWORK ERROR DUE TO HIGH TRAFFIC.", "error_code": 1}).encode() + b"\0")
        grown = [body["prompt"], body["prompt"] + " Red", body["prompt"] + " Red."]
        return self.give(b"".join(json.dumps({"text": text, "error_code": 0}).encode() + b"\0" for text in grown))


@pytest.fixture
def ask(stack):
    servers = []

    def start(kind, path="", **more):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        url = f"http://127.0.0.1:{server.server_port}{path}"
        return smoke(stack.request(4, endpoint=url, timeout=10.0, **more))

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def details(outcome):
    return {result.step: result.detail for result in outcome.results}


@pytest.mark.parametrize("kind", [OpenAI, Thinking])
def test_it_answers(ask, kind):
    outcome = ask(kind)
    assert not outcome.failed(), outcome.results
    assert outcome.reached() == 4


@pytest.mark.parametrize(
    ("kind", "step", "word"),
    [
        (Vllm, "image", "limit-mm-per-prompt"),
        (Lmdeploy, "text", "The model 'other' does not exist."),
        (Sglang, "image", "CUDA out of memory"),
        (LlamaCpp, "image", "you may need to provide the mmproj"),
    ],
)
def test_its_own_words_are_the_reason(ask, kind, step, word):
    failed = ask(kind).failed()[0]
    assert failed.step == step
    assert word in failed.detail


def test_a_cloud_with_options_of_its_own(ask):
    outcome = ask(Cloud, "/compatible/v1", served="big-vl")
    assert not outcome.failed(), outcome.results
    assert details(outcome)["list of models"] == "big-vl"


def test_a_path_that_is_no_server(ask):
    assert "HTTP 404" in ask(Cloud, "/nowhere").failed()[0].detail


def test_llavas_controller(ask):
    outcome = ask(Controller)
    assert not outcome.failed(), outcome.results
    said = details(outcome)
    assert said["list of models"] == "llava-v1.5-7b (a LLaVA controller)"
    assert said["worker at its own address"].endswith("0 waiting")
    assert said["image, streaming"].endswith(": Red.")


@pytest.mark.parametrize(
    ("change", "step", "word"),
    [
        ({"models": ()}, "list of models", "no worker has registered"),
        ({"gone": True}, "worker at its own address", "does not answer there"),
        ({"error": 1}, "text", "NETWORK ERROR DUE TO HIGH TRAFFIC. (error_code 1)"),
    ],
)
def test_llavas_controller_in_trouble(ask, change, step, word):
    failed = ask(type("Broken", (Controller,), change)).failed()[0]
    assert failed.step == step
    assert word in failed.detail
