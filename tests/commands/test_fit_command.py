"""``vlmdoctor fit`` as a user sees it: exit codes, formats, both languages, hostile names."""

from __future__ import annotations

import json
import string
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from doctor.commands import fit as command
from doctor.fit import Request, devices, judge, profiles, sources
from doctor.fit.count import describe
from doctor.fit.shapes import GIB
from doctor.model.snapshot import Snapshot
from doctor.report import fit as report
from doctor.report import fithtml, fitwords
from doctor.report.layout import width_of

SMALL, LARGE = ("qwen2.5-vl-7b-instruct", "--gpu", "12GiB"), ("qwen2.5-vl-7b-instruct", "--gpu", "24GiB")


def model(name: str):
    profile = profiles.get(name)
    return describe(name, profile.config)


def call(*words: str):
    from doctor.cli import group

    return CliRunner().invoke(group, ["fit", *words], prog_name="vlmdoctor")


def run(*words: str):
    """Output and exit code as the entry point would give it."""
    got = CliRunner().invoke(command.command, words, standalone_mode=False)
    return got.output, got.return_value if got.exception is None else type(got.exception).__name__


def test_exit_codes():
    assert run(*LARGE)[1] == 0
    assert run(*SMALL)[1] == 1
    for bad in (
        (),
        ("no-such-model-at-all", "--gpu", "24"),
        ("qwen2-vl-7b", "--gpu", "many"),
        ("qwen2-vl-7b", "--gpu", "24", "--quant", "int3"),
        ("qwen2-vl-7b", "--gpu", "24", "--image", "1024"),
        ("qwen2-vl-7b", "--gpu", "24", "--image", "0x5"),
        ("qwen2-vl-7b", "--gpu", "24", "--video", "1x2"),
        ("qwen2-vl-7b", "--gpu", "24", "--batch", "0"),
        ("qwen2-vl-7b", "--gpu", "24", "--kv", "q8_0"),
        ("qwen2-vl-7b", "--gpu", "24", "--engine", "vllm", "--quant", "int8"),
    ):
        assert call(*bad).exit_code == 2, bad


def test_text_shows_the_sum_and_the_flags():
    text, _ = run(*SMALL, "--lang", "en")
    assert text.startswith("DOES NOT FIT")
    assert "load_in_8bit=True" in text
    assert "total" in text
    assert "qwen2.5-vl-7b-instruct" in text


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [40, 60, 80, 110])
def test_lines_keep_the_width(lang, width):
    answer = judge([sources.Loaded(model("internvl2-26b"))], Request(engine="vllm"), devices.parse("24GiB,24GiB"))
    flags = {step.flags for option in answer.options for step in option.steps}
    for ascii_only in (False, True):
        for line in report.render(answer, width, lang, lambda text, _: text, ascii_only).splitlines():
            assert width_of(line) <= width or line.strip() in flags, line


def test_json_is_a_whole_object():
    text, code = run(*SMALL, "--format", "json", "--lang", "en")
    found = json.loads(text)
    assert code == 1
    assert found["schema"] == report.SCHEMA
    assert found["fits"] is False
    assert found["total"] == sum(part["bytes"] for part in found["parts"])
    assert found["options"][0]["changes"][0]["flags"]
    assert found["parameters"] == 8_292_166_656


def test_markdown_holds_a_table():
    text, _ = run(*SMALL, "--format", "markdown", "--lang", "en")
    assert "| language model | 12.15 GiB | ███" in text
    assert "```" in text


def test_both_languages_say_the_same():
    def holes(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert fitwords.WORDS["en"].keys() == fitwords.WORDS["zh"].keys()
    for key, english in fitwords.WORDS["en"].items():
        assert holes(english) == holes(fitwords.WORDS["zh"][key]), key


def test_every_piece_has_a_name():
    from doctor.fit import ENGINES, estimate

    for name in profiles.names():
        for engine in ENGINES:
            for quant in (None, "nf4" if engine in ("transformers", "vllm") else None):
                for piece in estimate(model(name), Request(engine=engine, quant=quant)).pieces:
                    assert f"part.{piece.name}" in fitwords.WORDS["en"], piece.name


def test_hostile_names_are_shown_never_sent():
    gpu = {"index": 0, "name": "L4\x1b[2J[cuda]", "total": 24 * GIB, "free": 2 * GIB}
    holder = {"gpu": 0, "pid": 7, "name": "py\x1b]0;x\x07|`*<b>", "used": 20 * GIB, "ours": True}
    found = devices.live(Snapshot({"gpus": [gpu], "gpu.processes": [holder]}))
    answer = judge([sources.Loaded(model("qwen2.5-vl-7b-instruct"))], Request(), found)
    for text in (
        report.render(answer, 80, "en", lambda t, _: t),
        report.render_markdown(answer, "zh"),
        report.render_json(answer, "en"),
    ):
        assert "\x1b" not in text
        assert "\x07" not in text
    assert "\\|" in report.render_markdown(answer, "en")


def test_without_a_device_it_says_what_is_needed():
    answer = judge([sources.Loaded(model("qwen2.5-vl-7b-instruct"))], Request(), ())
    text = report.render(answer, 80, "en", lambda t, _: t)
    assert "16.18 GiB" in text
    assert "Cards that hold it" in text


def test_the_list_of_profiles():
    text, code = run("--list")
    assert code == 0
    assert len(text.splitlines()) >= 38
    assert "OpenGVLab/InternVL2-8B" in text


def test_to_a_file(tmp_path):
    out = tmp_path / "fit.md"
    run(*LARGE, "--format", "markdown", "-o", str(out))
    assert out.read_text().startswith("# vlmdoctor fit")


SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schema" / "fit-1.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("words", [SMALL, LARGE, ("llava-v1.6-34b", "--gpu", "2x24", "--engine", "vllm")])
def test_json_keeps_its_schema(words):
    Draft202012Validator(SCHEMA).validate(json.loads(run(*words, "--format", "json")[0]))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_html_is_one_safe_page(language):
    page, code = run(*SMALL, "--format", "html", "--lang", language)
    assert code == 1
    assert page.startswith("<!doctype html>")
    assert page.count('class="bar"') > 5
    hostile = replace(model("qwen2-vl-2b-instruct"), name="<script>alert(1)</script>\x1b[31m")
    answer = judge([sources.Loaded(hostile)], Request(), devices.parse("24GiB"))
    text = fithtml.render_html(answer, language)
    assert "<script" not in text
    assert "\x1b" not in text
