"""``vlmdoctor fit``: will this model fit the free GPU memory, where does every byte go, what to change."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from doctor.commands.common import FORMATS, colourful, language, paint, write_file
from doctor.errors import FitError

LARGEST = 1 << 20  # pixels a side, frames, tokens or prompts that are taken seriously
ENGINES = ("transformers", "vllm", "lmdeploy", "llama.cpp", "exllamav2")


def sizes(name: str, numbers: int) -> Any:
    """A parser for ``WxH`` and ``FRAMESxWxH``."""

    def parse(_context: click.Context, _option: click.Parameter, words: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
        found = []
        for word in words:
            parts = re.fullmatch("x".join([r"(\d{1,7})"] * numbers), word.lower().replace("×", "x"))
            values = tuple(int(part) for part in parts.groups()) if parts else ()
            if not values or not all(0 < value <= LARGEST for value in values):
                raise click.BadParameter(f"{word!r} is not {name}")
            found.append(values)
        return tuple(found)

    return parse


def options(command: Any) -> Any:
    """What is asked of the model, on what, and how the answer looks."""
    number = click.IntRange(1, LARGEST)
    for option in (
        click.option("--lang", type=click.Choice(("en", "zh")), help="Language; otherwise the locale's."),
        click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the report to this file."),
        click.option("--format", "format_", type=click.Choice((*FORMATS, "html")), default="text", show_default=True),
        click.option(
            "--transformers", metavar="VERSION", help="Release; otherwise the environment's, or a current one."
        ),
        click.option("--python", help="Interpreter whose transformers counts; otherwise the active one."),
        click.option("--engine", type=click.Choice(ENGINES), default="transformers", show_default=True),
        click.option(
            "--gpu", metavar="LIST", help='Devices instead of this machine\'s: "24GiB,24GiB", "2x24", "RTX 4090".'
        ),
        click.option("--also", multiple=True, metavar="MODEL", help="Another model in the same program."),
        click.option("--attention", type=click.Choice(("sdpa", "eager")), default="sdpa", show_default=True),
        click.option(
            "--kv",
            type=click.Choice(("fp8", "int8", "int4", "q8_0", "q4_0", "q8", "q6", "q4")),
            help="KV cache format.",
        ),
        click.option(
            "--utilization", type=click.FloatRange(0.05, 1.0), help="Share of a device that vLLM or lmdeploy takes."
        ),
        click.option("--gpu-layers", type=click.IntRange(0, 10000), help="llama.cpp: layers on the GPU (-ngl)."),
        click.option("--batch", type=number, default=1, show_default=True, help="Prompts at once."),
        click.option("--context", type=number, help="Tokens that the cache is made for."),
        click.option("--max-new-tokens", "new", type=number, default=256, show_default=True),
        click.option(
            "--prompt-tokens", "prompt", type=number, default=64, show_default=True, help="Text beside the images."
        ),
        click.option("--video", "videos", multiple=True, callback=sizes("FRAMESxWxH", 3), metavar="FRAMESxWxH"),
        click.option("--no-image", is_flag=True, help="Text only."),
        click.option(
            "--image", "images", multiple=True, callback=sizes("WxH", 2), metavar="WxH", help="Default: 1024x768."
        ),
        click.option("--quant", help="int8, nf4, gptq4, awq4, fp8, gguf:Q4_K_M, exl2:4.0 ..."),
        click.option("--dtype", type=click.Choice(("bf16", "fp16", "fp32")), help="Otherwise the checkpoint's."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class _Output:
    format_: str
    output: Path | None
    lang: str | None


@click.command("fit")
@click.argument("model", required=False)
@click.option("--list", "list_", is_flag=True, help="List the shipped model profiles.")
@options
def command(model: str | None, list_: bool, **rest: Any) -> int:
    """Say whether MODEL fits the free memory of the GPUs, where every byte goes, and what to change.

    MODEL is a repository id (read from the cache when it is there), a folder or GGUF file, or a shipped profile.
    Heads of files are read, never weights. Exit 0: fits, 1: does not (or could not be shown to).
    """
    output = _Output(rest.pop("format_"), rest.pop("output"), rest.pop("lang"))
    if list_:
        _list()
        return 0
    if not model:
        raise click.UsageError("which model? Name a repository, a folder, a GGUF file or a profile (--list shows them)")
    try:
        answer = _answer(model, rest)
    except FitError as error:
        raise click.UsageError(str(error)) from None
    _emit(answer, output)
    return 0 if answer.fits else 1


def _answer(model: str, rest: dict[str, Any]) -> Any:
    from doctor.fit import fit

    also, gpu, python = rest.pop("also"), rest.pop("gpu"), rest.pop("python")
    videos, none = rest["videos"], rest.pop("no_image")
    rest["images"] = () if none else rest["images"] or (() if videos else ((1024, 768),))
    return fit([model, *also], gpu, python, **rest)


def _list() -> None:
    from doctor.fit import profiles

    for name in profiles.names():
        row = profiles.get(name)
        click.echo(f"{name:36}{row.hub if row else ''}")


def _emit(answer: Any, output: _Output) -> None:
    from doctor.report import fit as report

    lang = language(output.lang)
    if output.format_ == "json":
        body = report.render_json(answer, lang)
    elif output.format_ == "markdown":
        body = report.render_markdown(answer, lang)
    elif output.format_ == "html":
        from doctor.report.fithtml import render_html

        body = render_html(answer, lang)
    else:
        to_terminal = output.output is None
        width = min(shutil.get_terminal_size((80, 24)).columns if to_terminal else 80, 110)
        narrow = to_terminal and (sys.stdout.encoding or "").lower() not in ("utf-8", "utf8")
        body = report.render(answer, max(width, 40), lang, paint if to_terminal and colourful() else _bare, narrow)
    if output.output is None:
        click.echo(body, nl=False, color=True if colourful() else None)
    else:
        write_file(output.output, body)


def _bare(text: str, _role: str) -> str:
    return text
