"""No output format shows what a text, a snapshot or a program holds of credentials; bodies are made here, at run time."""

import json

import pytest
from click.testing import CliRunner

from doctor.cli import group, main

BODY = "".join("aQ7xZ2mK"[i % 8] + "bR4"[i % 3] for i in range(20))
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join([BODY * 2] * 3) + "\n-----END RSA PRIVATE KEY-----"
SECRETS = {
    "token": ("HF_TOKEN=hf_" + BODY, BODY),
    "header": ("Authorization: Basic " + BODY + "==", BODY),
    "key over many lines": (PEM, BODY),
    "login over many lines": (f"machine api.example.com\n  login user\n  password {BODY}", BODY),
    "quoted": (f'DB_PASSWORD: "{BODY} and more"', BODY),
    "address": (f"git clone https://alice:{BODY}@example.com/x.git", BODY),
}


def run(*words):
    done = CliRunner().invoke(group, list(map(str, words)), standalone_mode=False)
    assert done.exception is None, done.output
    return done.output


@pytest.fixture(params=SECRETS, ids=str)
def secret(request):
    return SECRETS[request.param]


def paste(text):
    return f"Traceback (most recent call last):\n{text}\nRuntimeError: CUDA error: {text}\nOSError: {text} is not a folder\n"


@pytest.mark.parametrize("format_", ["text", "json", "markdown"])
def test_diagnose(tmp_path, secret, format_):
    (tmp_path / "p.txt").write_text(paste(secret[0]))
    assert secret[1] not in run("diagnose", tmp_path / "p.txt", "--format", format_)


@pytest.mark.parametrize("format_", ["text", "json", "markdown"])
def test_a_snapshot_of_anybody(tmp_path, secret, format_):
    facts = {"log.lines": paste(secret[0]).splitlines(), "env.HF_ENDPOINT": secret[0], "driver.smi_error": secret[0]}
    body = {"schema": "vlmdoctor.snapshot/1", "source": "archive", "taken": None, "closed": []}
    (tmp_path / "s.json").write_text(json.dumps({**body, "facts": facts, "unread": {"host.user": secret[0]}}))
    assert secret[1] not in run("check", "--snapshot", tmp_path / "s.json", "--format", format_)


def test_redact(tmp_path, secret):
    (tmp_path / "p.txt").write_text("torch==2.1.2+cu118 at 0a1b2c3d\n" + secret[0])
    out = run("redact", tmp_path / "p.txt")
    assert secret[1] not in out
    assert out.startswith("torch==2.1.2+cu118 at 0a1b2c3d\n")


def test_redact_to_a_file(tmp_path):
    (tmp_path / "p.txt").write_text("HF_TOKEN=hf_" + BODY)
    assert run("redact", tmp_path / "p.txt", "-o", tmp_path / "out.txt") == ""
    assert BODY not in (tmp_path / "out.txt").read_text()


def test_redact_sends_no_control_character(tmp_path):
    evil = tmp_path / "evil.txt"
    evil.write_bytes("a\x1b]52;c;ZXY=\x07 \x9b31m \u202e\tb\r\n\r100%\nend".encode())
    done = CliRunner().invoke(group, ["redact", str(evil)])
    assert done.output == "a\\x1b]52;c;ZXY=\\x07 \\x9b31m \\u202e\tb\n\n100%\nend"


@pytest.mark.parametrize(
    "words",
    [
        ("diagnose", "/nowhere/{}"), ("redact", "/nowhere/{}"), ("check", "--snapshot", "/nowhere/{}"), ("check", "--rules", "/nowhere/{}"), ("check", "--only", "{}"), ("explain", "{}"),
        ("rules", "show", "{}"), ("check", "--format", "{}"), ("check", "--timeout", "{}"), ("cache", "ls", "{}"), ("{}",), ("--{}",), ("diagnose", "--batch", "/nowhere/{}"), ("fit", "{}"),
    ],
)  # fmt: skip
def test_what_was_typed(words, capsys):
    """Error messages name it, as reports do: without the credential."""
    with pytest.raises(SystemExit) as done:
        main([word.format("hf_" + BODY) for word in words])
    out = "".join(capsys.readouterr())
    assert done.value.code in (2, 3)
    assert out
    assert BODY[:8] not in out


@pytest.mark.parametrize("words", [(), ("--format", "json"), ("--format", "markdown")], ids=str)
def test_smoke_of_a_stack_whose_errors_tell_them(call, words):
    """What the target's own packages say when they fail."""
    said = "\n".join(text for text, _ in SECRETS.values())
    done = call("--lang", "en", *words, changes={"transformers.py": f"raise RuntimeError({said!r})"}.items())
    assert done.returncode == 1
    assert "RuntimeError" in done.stdout
    assert not [name for name, (_, body) in SECRETS.items() if body in done.stdout + done.stderr]
