"""``vlmdoctor smoke``: does it run? Small inferences in the target interpreter; the rules explain what fails."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from doctor.commands.check import live
from doctor.commands.common import (
    Options,
    colourful,
    columns,
    judge,
    language,
    paint,
    rendered,
    report_options,
    write_file,
)
from doctor.commands.common import status as code_of
from doctor.model import Snapshot
from doctor.words import say

if TYPE_CHECKING:
    from doctor.model.report import Report
    from doctor.smoke.run import Outcome, Request

DEFAULT_ARCH = "llava"
REAL, ENDPOINT, GGUF, HIGHEST = 3, 4, 5, 6
ALONE = (4, 5, 6)  # tiers that stand on no other
TIMEOUT = 180.0  # seconds for each tier
PROBES = 8.0  # seconds for the look at the machine that a failure is explained with


class Asked(NamedTuple):
    """The options that say what is to be tried."""

    python: str | None
    model: str | None
    arch: str | None = None
    tier: int | None = None
    device: str | None = None
    load_in_4bit: bool = False
    load_in_8bit: bool = False
    dtype: str | None = None
    attn: str | None = None
    endpoint: str | None = None
    gguf: str | None = None
    mmproj: str | None = None
    force: bool = False
    timeout: float = TIMEOUT


def asked_options(command: Any) -> Any:
    """Options of ``Asked``."""
    dtypes = click.Choice(("auto", "float32", "float16", "bfloat16"))
    for option in (
        click.option(
            "--timeout",
            type=click.FloatRange(1, 86400),
            default=TIMEOUT,
            show_default=True,
            help="Seconds given to each tier.",
        ),
        click.option("--force", is_flag=True, help="Tier 3 even where the memory estimate says that it cannot fit."),
        click.option("--mmproj", metavar="FILE", help="Image projector of --gguf; otherwise the one beside it."),
        click.option("--gguf", metavar="FILE", help="Model file to load through llama-cpp-python (tier 5)."),
        click.option("--endpoint", metavar="URL", help="OpenAI-compatible server to ask (tier 4)."),
        click.option("--attn", type=click.Choice(("eager", "sdpa", "flash_attention_2")), help="attn_implementation."),
        click.option("--dtype", type=dtypes, help="As your program passes it; otherwise nothing is passed."),
        click.option("--load-in-8bit", is_flag=True, help="Load through bitsandbytes, 8 bit."),
        click.option("--load-in-4bit", is_flag=True, help="Load through bitsandbytes, 4 bit."),
        click.option("--device", help="cpu or cuda:N; otherwise the first GPU that torch sees."),
        click.option("--tier", type=click.IntRange(0, HIGHEST), help="Up to this tier (4 to 6: alone); otherwise 2."),
        click.option("--arch", metavar="TYPE", help="Architecture of the tiny model (model_type of config.json)."),
        click.option("--model", help="Your model: its architecture for tier 2, its weights for tier 3."),
        click.option("--python", help="Interpreter or environment folder to try; otherwise the active one."),
    ):
        command = option(command)
    return command


@click.command("smoke")
@asked_options
@report_options
def command(**values: Any) -> int:
    r"""Prove that it runs.

    \b
    tier 0  imports of the stack
    tier 1  kernels on each device, in each precision, against float64
    tier 2  a tiny random model of your architecture: save, load, look at an image, 8 tokens
    tier 3  your own cached model, offline
    tier 4  an endpoint (OpenAI's protocol or LLaVA's), with an image
    tier 5  a GGUF through llama-cpp-python, with an image
    tier 6  a tiny layer of every quantised engine that is installed

    Everything happens in child processes of the target interpreter, without the network (but for tier 4).
    Exit code: 0 all passed, 1 something failed, 2 usage, 3 the doctor could not do its work.
    """
    asked = Asked(**{name: values.pop(name) for name in Asked._fields})
    options = Options(**values)
    lang = language(options.lang)
    request, named = requested(asked)
    machine = live((), asked.python or (request.python if not named else None), asked.model, PROBES, False, lang)
    snapshot, outcome = tried(request, machine, asked.force, lang)
    write(told(snapshot, outcome, request, options, named), options)
    return status(outcome)


def beside(machine: Snapshot, python: str | None, model: str | None, options: Options) -> int:
    """``check --smoke``: tiers 0 to 2 with the machine already read; one report, its exit code."""
    asked = Asked(python=python, model=model)
    request, named = requested(asked, DEFAULT_ARCH)
    snapshot, outcome = tried(request, machine, False, language(options.lang))
    write(told(snapshot, outcome, request, options, named, whole=True), options)
    return 0 if options.fail_on == "never" else status(outcome) or code_of(judge(snapshot, options), options)


def tried(request: Request, machine: Snapshot, force: bool, lang: str) -> tuple[Snapshot, Outcome]:
    """The machine with what was tried on it, and that itself."""
    from doctor.smoke import budget
    from doctor.smoke.run import smoke

    request = request._replace(gpus=int(machine.get("gpu.count", 0)))
    said = budget.estimate(request, machine) if REAL in request.tiers else None
    if said is not None:
        request = request._replace(estimate=said.text, refused=not said.fits and not force)
    outcome = watched(partial(smoke, request), request, lang)
    row = budget.compared(said, outcome.peaks) if said is not None else None
    outcome.results += [row] if row is not None else []
    if request.named and request.arch and machine.get("model.type") is None:
        machine = machine.with_facts({"model.type": request.arch})
    return together(machine, outcome), outcome


def status(outcome: Outcome) -> int:
    """1 when a step failed, 3 when a tier that was asked for could not be tried, else 0."""
    from doctor.report.smoke import untried

    if outcome.failed():
        return 1
    return 3 if untried([result.record() for result in outcome.results]) else 0


def requested(asked: Asked, otherwise: str | None = None) -> tuple[Request, bool]:
    """What the options mean, and whether somebody named the interpreter; usage errors are raised here.

    ``otherwise`` is the architecture for a model of which nothing is known here.
    """
    from doctor.smoke import recipes
    from doctor.smoke.aim import Aim, aim
    from doctor.smoke.run import Request

    tiers = tiers_of(asked)
    if asked.load_in_4bit and asked.load_in_8bit:
        raise click.UsageError("--load-in-4bit and --load-in-8bit exclude each other")
    if asked.arch is not None and asked.arch not in recipes.types():
        raise click.UsageError(f"--arch: no tiny model for {asked.arch!r}; known: {', '.join(recipes.types())}")
    only_endpoint = tiers == (ENDPOINT,) and asked.python is None
    found = Aim(sys.executable, None, None) if only_endpoint else aim(asked.python, asked.model)
    arch = asked.arch or found.kind or (DEFAULT_ARCH if asked.model is None else otherwise)
    if arch is None and 2 in tiers:
        raise click.UsageError(f"the architecture of {asked.model!r} is not known here: name it with --arch")
    own = found.kind is not None and arch == found.kind
    request = Request(
        python=found.python,
        tiers=tiers,
        arch=arch,
        named=asked.arch is not None or found.kind is not None,
        config=os.path.join(found.folder, "config.json") if own and found.folder else None,  # noqa: PTH118 - not looked at
        model=found.folder,
        device=asked.device,
        bits=4 if asked.load_in_4bit else 8 if asked.load_in_8bit else None,
        dtype=asked.dtype,
        attn=asked.attn,
        endpoint=asked.endpoint,
        gguf=os.path.abspath(asked.gguf) if asked.gguf else None,  # noqa: PTH100 - the child works elsewhere
        mmproj=os.path.abspath(asked.mmproj) if asked.mmproj else None,  # noqa: PTH100
        served=asked.model if asked.endpoint else None,
        timeout=asked.timeout,
    )
    return request, found.named


def tiers_of(asked: Asked) -> tuple[int, ...]:
    """The tiers to run, lowest first."""
    if asked.endpoint and asked.gguf:
        raise click.UsageError("--endpoint and --gguf exclude each other")
    implied = ENDPOINT if asked.endpoint else GGUF if asked.gguf else 2
    tier = implied if asked.tier is None else asked.tier
    if tier == ENDPOINT and not asked.endpoint:
        raise click.UsageError("tier 4 needs --endpoint URL")
    if tier == REAL and not asked.model:
        raise click.UsageError("tier 3 needs --model")
    if asked.mmproj and not asked.gguf:
        raise click.UsageError("--mmproj needs --gguf FILE")
    return (tier,) if tier in ALONE else tuple(range(tier + 1))


def watched(run: Any, request: Request, lang: str) -> Outcome:
    """Run it, and on a terminal say what is being done and how long that usually takes."""
    from doctor.commands.progress import doing

    with doing() as tell:

        def watch(tier: int, step: str, usual: float, so_far: float) -> None:
            if tell is None:
                return
            key = "smoke.slow" if so_far else "smoke.doing"
            holes = {"tier": tier, "step": step, "usual": f"{usual:g}", "seconds": f"{so_far:.0f}"}
            tell(say(lang, key, deadline=f"{request.timeout:g}", **holes))

        outcome: Outcome = run(watch if tell else None)
    return outcome


def together(machine: Snapshot, outcome: Outcome) -> Snapshot:
    """The machine with what was tried on it; after a failure also with what the children printed."""
    from doctor.collect.redact import Redactor
    from doctor.ingest import ingest
    from doctor.model.facts import find

    redactor = Redactor.of_this_machine(machine)
    facts = {name: redactor.value(find(name), value) for name, value in outcome.facts().items()}
    if outcome.failed():
        text = ingest([outcome.output], redact=redactor.text)
        facts = {**{name: value for name, value in text.facts.items() if name.startswith("log.")}, **facts}
    return machine.with_facts(facts)


def told(
    snapshot: Snapshot, outcome: Outcome, request: Request, options: Options, named: bool, whole: bool = False
) -> str:
    """The steps; behind a failure what the rules make of it, with ``whole`` always. JSON is the report."""
    from doctor.report import smoke as section

    lang, results = language(options.lang), snapshot.facts["smoke.results"]
    python = str(snapshot.get("python.executable", request.python))  # redacted as facts are
    if options.format_ == "json":
        return rendered(judge(snapshot, options), options)
    if options.format_ == "markdown":
        head = section.markdown_table(lang, results, python, outcome.seconds)
    else:
        width = min(columns() if options.output is None else 80, 110)
        head = section.text(lang, results, request.arch or "", python, outcome.seconds, width, painter(options))
    if not named and torch_missing(outcome):
        head += "\n" + say(lang, "smoke.no_torch") + "\n"
    if whole or outcome.failed():
        head += explained(judge(snapshot, options), outcome, options, whole)
    return head


def torch_missing(outcome: Outcome) -> bool:
    """Whether the chosen interpreter has no torch at all."""
    return any("No module named 'torch'" in result.detail for result in outcome.failed())


def explained(report: Report, outcome: Outcome, options: Options, whole: bool) -> str:
    """The report; before it the end of the first error where no rule names it."""
    from doctor.collect.redact import Redactor
    from doctor.report import smoke as section

    lines = Redactor.of_this_machine(Snapshot(report.snapshot)).text(outcome.first).splitlines()
    serious = any(entry.finding.severity != "note" for entry in report.entries)
    body = "\n" + rendered(report, options) if serious or whole else ""
    if not outcome.failed() or knows(report):
        return body
    return section.last_lines(report.language, lines, options.format_ == "markdown") + body


def knows(report: Report) -> bool:
    """Whether a finding rests on what the tiers said."""
    return any(item.fact.startswith(("log", "smoke")) for entry in report.entries for item in entry.finding.evidence)


def painter(options: Options) -> Any:
    """Colours for a terminal."""
    from doctor.report.text import no_paint

    return paint if options.output is None and colourful() else no_paint


def write(body: str, options: Options) -> None:
    """To the file of ``-o``, else to standard output."""
    if options.output is None:
        click.echo(body, nl=False, color=True if colourful() else None)
    else:
        write_file(options.output, body)
