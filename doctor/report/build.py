"""Findings + snapshot + words -> Report. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from doctor import __version__
from doctor.engine.evaluate import fill_text
from doctor.engine.rank import rank
from doctor.engine.scope import human_bytes, show
from doctor.engine.store import Corpus
from doctor.model import Evidence, Finding, Snapshot, Verdict
from doctor.model.facts import FactSpec, find
from doctor.model.report import Command, Entry, Report, Together
from doctor.plan.hand import package
from doctor.plan.shell import Target, command
from doctor.report import reading, tell
from doctor.words import say

if TYPE_CHECKING:
    from doctor.model.plan import Plan

MAX_SEEN = 8  # pieces of evidence shown for a finding


class Style(NamedTuple):
    """How the reader wants it: language and the shell the commands are for."""

    language: str
    target: Target


def build(
    findings: Sequence[Finding], snapshot: Snapshot, corpus: Corpus, style: Style, plan: "Plan | None" = None
) -> Report:
    """The report of one judged snapshot, findings ranked, each one's consequences behind it; ``plan`` cures them."""
    from_text = snapshot.source == "pasted" or bool(snapshot.get("log.exceptions"))
    ranked = rank(findings, corpus.rules, from_text)
    hits = {finding.rule for finding in ranked}
    links = {rule.id: tuple(rule.links) for rule in corpus.rules if rule.id in hits}
    entries = [_entry(f, snapshot, corpus, links[f.rule], style) for f in ranked]
    unknown = tuple((f.slug, f.missing) for f in findings if f.verdict is Verdict.UNKNOWN)
    return Report(
        language=style.language,
        entries=tuple(_beside(entries, snapshot, style.target.shell)),
        counts={verdict.value: count for verdict, count in Counter(f.verdict for f in findings).items()},
        unknown=unknown,
        crashed=tuple((f.slug, f.trouble) for f in findings if f.verdict is Verdict.CRASH),
        unread=dict(sorted({**snapshot.unread, **reading.left_out(snapshot)}.items())),
        overview=overview(snapshot, style.language),
        tool_version=__version__,
        rules_count=len(findings),
        rules_digest=corpus.digest,
        source=snapshot.source,
        taken=snapshot.taken,
        snapshot=dict(snapshot.facts),
        invisible=reading.invisible(snapshot, style.language),
        unseen=reading.unread(snapshot, style.language) if unknown else (),
        closed=tuple(sorted(snapshot.closed)),
        together=_together(plan, entries, style) if plan else None,
    )


def _together(plan: "Plan", entries: Sequence[Entry], style: Style) -> Together | None:
    from doctor.report.joint import joint  # a machine in order has no plan

    return joint(plan, entries, style.target, style.language)


def _entry(finding: Finding, snapshot: Snapshot, corpus: Corpus, links: tuple[str, ...], style: Style) -> Entry:
    words = corpus.words.text(finding.rule, style.language)
    bound = dict(finding.bound)
    text = {key: fill_text(words[key], bound) for key in ("title", "why", "next", "proof")}
    typed = (command(step, style.target) or package(step, snapshot) for step in finding.fix)
    commands = tuple(
        Command(line, step.kind, step.target, step.to, step.safety, step.way)
        for line, step in zip(typed, finding.fix, strict=True)
    )
    shown = [item for item in finding.evidence if item.fact != "log" or item.line is not None]
    seen = tuple(_seen(item, snapshot, style.language) for item in shown[:MAX_SEEN])
    return Entry(finding=finding, links=links, commands=commands, seen=seen, **text)


def _beside(entries: Sequence[Entry], snapshot: Snapshot, shell: str) -> Iterator[Entry]:
    """The entries of a text with their rivals and with what would settle it."""
    findings = [entry.finding for entry in entries]
    beside = tell.besides(findings)
    confirm = tell.confirming(findings, beside, shell) if reading.is_text(snapshot) else {}
    for entry in entries:
        rule = entry.finding.rule
        yield entry._replace(beside=beside.get(rule), confirm=confirm.get(rule, ""))


def _seen(item: Evidence, snapshot: Snapshot, language: str) -> tuple[str, str, str]:
    """One piece of evidence as (name, value, where it was read)."""
    spec = find(item.fact.partition("[")[0])
    gone = item.seen is None and item.fact.startswith("dist.")
    value = say(language, "fix.missing") if gone else _value(item.seen, spec)
    if item.line is not None:
        return say(language, "line", line=item.line), value, ""
    return item.fact, value, _origin(item, snapshot)


def _value(seen: Any, spec: FactSpec | None) -> str:
    """A fact as words; the fields of a record by their own types."""
    if seen is None:
        return "-"
    if isinstance(seen, dict) and spec and spec.fields:
        return _record(seen, spec.fields)
    return show(seen, spec.type if spec else "text")


def _record(seen: dict[str, Any], kinds: Mapping[str, str]) -> str:
    """``demo.py:3: name=..., keywords=...``: where it stands first, as in any tool that names a line."""
    rest = {key: value for key, value in seen.items() if key not in ("file", "line") or not seen.get("file")}
    said = ", ".join(f"{key}={_field(value, kinds.get(key, 'text'))}" for key, value in rest.items())
    place = ":".join(str(seen[key]) for key in ("file", "line") if seen.get(key)) if seen.get("file") else ""
    return f"{place}: {said}" if place and said else place or said


def _field(value: Any, kind: str) -> str:
    return "-" if value is None else show(value, kind)


def _origin(item: Evidence, snapshot: Snapshot) -> str:
    """Where a fact was read, as far as that says more than its name."""
    if snapshot.source != "live":
        return ""
    area = item.fact.partition(".")[0].partition("[")[0]
    if area == "dist":
        return show((snapshot.get("python.site") or [""])[0])
    if area in ("driver", "gpus", "gpu", "mig"):
        return str(snapshot.get("driver.read_by", ""))
    if area == "hf":
        return str(snapshot.get("hf.hub_cache", ""))
    return ""


def overview(snapshot: Snapshot, language: str) -> tuple[tuple[str, str], ...]:
    """A few lines that say what was looked at."""
    rows = [
        (say(language, "machine"), _machine(snapshot)),
        ("GPU", _gpus(snapshot, language)),
        (say(language, "python"), _python(snapshot)),
        (say(language, "cache"), _cache(snapshot)),
    ]
    rows += [(say(language, "program"), str(snapshot.get("src.found") or "")), *reading.rows(snapshot, language)]
    return tuple((label, text) for label, text in rows if text)


def _machine(snapshot: Snapshot) -> str:
    distro = " ".join(str(x) for x in (snapshot.get("os.distro"), snapshot.get("os.distro_version")) if x)
    libc = " ".join(str(x) for x in (snapshot.get("libc.name"), snapshot.get("libc.version")) if x)
    memory = snapshot.get("mem.total")
    parts = [snapshot.get("os.name"), snapshot.get("os.arch"), distro, libc, snapshot.get("host.container")]
    parts.append(human_bytes(memory) + " RAM" if memory else None)
    return ", ".join(str(part) for part in parts if part)


def _gpus(snapshot: Snapshot, language: str) -> str:
    gpus = snapshot.get("gpus")
    if gpus:
        parts = [_gpu(gpu) for gpu in gpus[:4]]
        if len(gpus) > 4:
            parts.append(f"+{len(gpus) - 4}")
        driver = snapshot.get("driver.version")
        return "; ".join(parts) + (f"; driver {driver} (CUDA {snapshot.get('driver.cuda', '?')})" if driver else "")
    if snapshot.look("gpu.present") == (True, False) and "gpus" not in snapshot.unread:  # silence of NVML is no absence
        others = [name for name, fact in (("ROCm", "host.rocm"), ("Apple", "host.apple_gpu")) if snapshot.get(fact)]
        return say(language, "no.gpu") + (f" ({', '.join(others)})" if others else "")
    return ""


def _gpu(gpu: dict[str, Any]) -> str:
    free, total = gpu.get("free"), gpu.get("total")
    memory = f" {human_bytes(free)} / {human_bytes(total)}" if free is not None and total else ""
    return f"{gpu.get('name', '?')}{memory}"


def _python(snapshot: Snapshot) -> str:
    version = snapshot.get("python.version")
    parts = [f"{version} ({snapshot.get('python.kind', '?')})" if version else None]
    parts.append(snapshot.get("python.executable"))
    shown = ((name, snapshot.get("dist." + name)) for name in ("torch", "transformers"))
    parts += [f"{name} {found}" for name, found in shown if found]
    return ", ".join(str(part) for part in parts if part)


def _cache(snapshot: Snapshot) -> str:
    path = snapshot.get("hf.hub_cache")
    models = snapshot.get("hf.cached_models")
    return f"{path} ({models} models)" if path and models is not None else str(path or "")
