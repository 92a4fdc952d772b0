"""Predicates about devices that a program names, ports that it asks for, and the web stack it serves with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeGuard

from doctor.engine.scope import Scope
from doctor.knowledge import ranges, versions
from doctor.model.numbers import whole
from doctor.model.patterns import compiled
from doctor.model.rule import Clause

Asked = tuple[int, str]  # a number that the program or a command line asks for, and where it says so

_DEVICE = r"^(?:cuda|gpu):(\d+)$"
_DEVICE_FLAG = r"--device[= ]+cuda:(\d+)\b"
_RANKS = r"--nproc[-_]per[-_]node[= ]+(\d+)\b"
_SPLIT = r"(?:--tensor[-_]parallel[-_]size|--tp[-_]size|--tp|-tp)[= ]+(\d+)\b"
_PORT_FLAG = r"(?:--port|--server[-_]port|--m(?:ain|aster)[-_]p(?:rocess[-_]p)?ort)[= ]+(\d{2,5})\b"
# Commands with a port of their own; sources: vllm/entrypoints/openai/cli_args.py, sglang/srt/server_args.py,
# llava/serve/{controller,model_worker}.py, torch/distributed/run.py, deepspeed/constants.py.
_USUAL_PORTS = (
    (r"\bvllm serve\b|vllm\.entrypoints\.openai\.api_server", 8000),
    (r"\bsglang\.launch_server\b", 30000),
    (r"\b(?:llava|fastchat)\.serve\.controller\b", 21001),
    (r"\b(?:llava|fastchat)\.serve\.model_worker\b", 21002),
    (r"\btorchrun\b(?!.*--standalone)|\btorch\.distributed\.(?:run|launch)\b(?!.*--standalone)|^\s*deepspeed\s", 29500),
)
_IN_USE = r"(?i)already in use|EADDRINUSE|empty port in range"
_NO_CARD = "No CUDA GPUs are available|invalid device ordinal"
_CHOICE = r"""CUDA_VISIBLE_DEVICES["']?\]?\s?=\s?["']?(\d+)["']?"""
# vLLM releases, transformers releases that they break with for every model, and what works. 5.0 dropped
# all_special_tokens_extended (vllm/transformers_utils/tokenizer.py); 4.54 brought aimv2, which
# vllm/transformers_utils/configs/ovis.py registered under the same name.
_VLLM_BREAKS = (("<0.12", ">=5", "<5"), (">=0.9,<0.10", ">=4.54", "<4.54"))
_PORT_WORDS = ("port", "server_port")
_SERVES = frozenset(("launch", "run", "run_app", "serve", "Config", "start_server", "TCPServer", "HTTPServer"))
_PLACES = frozenset(("to", "cuda", "device", "from_pretrained", "set_device", "pipeline", "load_pretrained_model"))


def _records(scope: Scope, name: str) -> list[Mapping[str, Any]]:
    return list(scope.snapshot.get(name) or ())


def _at(record: Mapping[str, Any]) -> str:
    return f"{record.get('file') or ''}:{record.get('line') or ''}".strip(":")


def _commands(scope: Scope) -> Iterator[tuple[str, str]]:
    """Command lines of scripts and of a pasted text, each with the place it comes from."""
    for record in _records(scope, "src.shell"):
        yield str(record.get("text") or ""), _at(record)
    for line in scope.snapshot.get("log.commands") or ():
        yield str(line), "the pasted command"


def _numbers(scope: Scope, *patterns: str) -> Iterator[Asked]:
    """Numbers that options of the commands carry."""
    for text, place in _commands(scope):
        for pattern in patterns:
            for found in compiled(pattern).finditer(text):
                yield int(found[1]), place


def _literals(call: Mapping[str, Any]) -> Iterator[object]:
    yield from call.get("args") or ()
    yield from (call.get("keywords") or {}).values()


def _devices(scope: Scope) -> Iterator[Asked]:
    """Indices N of ``cuda:N`` that calls and command lines name."""
    for call in _records(scope, "src.calls"):
        if call.get("method") not in _PLACES:
            continue
        for value in _literals(call):
            found = compiled(_DEVICE).match(value) if isinstance(value, str) else None
            if found:
                yield int(found[1]), _at(call)
    yield from _numbers(scope, _DEVICE_FLAG)


def _visible(scope: Scope) -> int | None:
    """How many cards CUDA shows to a program here; None when that is not known."""
    known, gpus = scope.snapshot.look("gpus")
    taken_known, taken = scope.snapshot.look("cuda.visible")
    total = len(gpus or ()) if known else scope.snapshot.get("gpu.count")
    if taken_known and taken is not None:
        shown = [entry for entry in taken if (number := whole(entry)) is None or total is None or number < total]
        return len(shown)
    chosen = scope.snapshot.get("env.CUDA_VISIBLE_DEVICES")
    if chosen and not taken_known:
        return len([part for part in str(chosen).split(",") if part.strip()])
    return total


def _beyond(scope: Scope, asked: Iterator[Asked], base: int) -> bool | None:
    """Some number is larger than the visible cards allow (``base`` 1: indices, 0: counts). Binds asked, at, visible."""
    wanted = list(asked)
    if not wanted:
        unread = [name for name in ("src.calls", "src.shell") if not scope.snapshot.look(name)[0]]
        for name in unread:
            scope.miss(name)
        return None if unread else False
    visible = _visible(scope)
    if visible is None:
        scope.miss("gpus")
        return None
    scope.bind("visible", visible)
    for number, place in wanted:
        if visible and number + base > visible:
            scope.bind("asked", number)
            scope.bind("at", place)
            scope.see("src.shell", f"{place}: {number}")
            return True
    return False


def device_beyond_visible(scope: Scope, _clause: Clause) -> bool | None:
    """The program names ``cuda:N``, or as many ranks, beyond the cards that it can see. Binds asked, at, visible."""
    by_index = _beyond(scope, _devices(scope), 1)
    return by_index or _join(by_index, _beyond(scope, _numbers(scope, _RANKS), 0))


def split_beyond_visible(scope: Scope, _clause: Clause) -> bool | None:
    """The tensor-parallel size is larger than the number of visible cards. Binds asked, at, visible."""

    def sizes() -> Iterator[Asked]:
        yield from _numbers(scope, _SPLIT)
        for call in _records(scope, "src.calls"):
            size = (call.get("keywords") or {}).get("tensor_parallel_size")
            if isinstance(size, int) and not isinstance(size, bool):
                yield size, _at(call)

    return _beyond(scope, sizes(), 0)


def _join(one: bool | None, other: bool | None) -> bool | None:
    if one or other:
        return True
    return None if one is None or other is None else False


def index_fits_machine(scope: Scope, _clause: Clause) -> bool | None:
    """The index that :func:`device_beyond_visible` found exists on the machine, outside CUDA_VISIBLE_DEVICES."""
    known, gpus = scope.snapshot.look("gpus")
    total = len(gpus or ()) if known else scope.snapshot.get("gpu.count")
    asked = scope.bound.get("asked")
    there, chosen = scope.snapshot.look("env.CUDA_VISIBLE_DEVICES")
    if total is None or asked is None or not there:
        return None
    return int(asked) < int(total) and chosen is not None


def gpus_differ(scope: Scope, _clause: Clause) -> bool | None:
    """Cards of more than one name are in the machine."""
    known, gpus = scope.get("gpus")
    return len({gpu.get("name") for gpu in gpus or ()}) > 1 if known else None


def visible_list_bad(scope: Scope, _clause: Clause) -> bool | None:
    """CUDA_VISIBLE_DEVICES names a card that is not there, or one twice, or no card. Binds chosen, total."""
    chosen = scope.snapshot.get("env.CUDA_VISIBLE_DEVICES")
    known, problem = scope.snapshot.look("cuda.visible_problem")
    if chosen is not None:
        scope.bind("chosen", chosen)
        scope.see("env.CUDA_VISIBLE_DEVICES", chosen)
    elif scope.snapshot.look("env.CUDA_VISIBLE_DEVICES")[0]:
        return False
    if problem in ("invalid", "duplicate"):
        return str(chosen).strip() not in ("-1", "NoDevFiles", "none")
    if _no_card_after_choice(scope, chosen):
        return True
    gpus_known, gpus = scope.snapshot.look("gpus")
    total = len(gpus or ()) if gpus_known else scope.snapshot.get("gpu.count")
    if chosen is None or not total:
        return False if known and problem is None and total is not None else None
    scope.bind("total", total)
    entries = [part.strip() for part in str(chosen).split(",")]
    if any((number := whole(entry)) is not None and number >= int(total) for entry in entries):
        return True
    return False if known else None


def _no_card_after_choice(scope: Scope, chosen: object) -> bool:
    """The text chooses a card other than the first, and CUDA then finds none."""
    log = scope.case.log
    if log is None or not log.search(_NO_CARD, ("no cuda gpus are", "invalid device ordinal")):
        return False
    if chosen is None:
        found = log.search(_CHOICE, ("cuda_visible_devices",))
        chosen = found[1][1] if found else None
        scope.bind("chosen", chosen or "...")
    return bool(re.match(r"[1-9]\d*$", str(chosen or "")))


def _asked_ports(scope: Scope) -> Iterator[Asked]:
    """Ports that the program's calls, its options, commands and variables ask for."""
    serving = [call for call in _records(scope, "src.calls") if call.get("method") in _SERVES]
    given = list(_ports_of_variables(scope)) if serving else []
    yield from given
    defaults = _defaults(scope) if given else frozenset()
    for call in serving:
        keywords = call.get("keywords") or {}
        for port in (keywords.get(word) for word in _PORT_WORDS):
            if _is_port(port) and port not in defaults:
                yield port, _at(call)
    for text, place in _commands(scope):
        named = [int(found[1]) for found in compiled(_PORT_FLAG).finditer(text)]
        usual = [port for pattern, port in _USUAL_PORTS if compiled(pattern).search(text)]
        for port in named or usual:
            yield port, place


def _is_port(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _port_unreadable(scope: Scope) -> bool:
    """A serving call is given a port that only the running program knows."""
    calls = [call.get("keywords") or {} for call in _records(scope, "src.calls") if call.get("method") in _SERVES]
    return any(word in keywords and not _is_port(keywords[word]) for keywords in calls for word in _PORT_WORDS)


def _ports_of_variables(scope: Scope) -> Iterator[Asked]:
    """Ports in gradio's variable, and in variables that carry a program's options (COMMANDLINE_ARGS, VLLM_ARGS ...)."""
    for name, value in scope.snapshot.facts.items():
        if name == "env.GRADIO_SERVER_PORT" and (port := whole(value)) is not None:
            yield port, "GRADIO_SERVER_PORT"
        elif name.startswith("env.") and name.endswith("_ARGS"):
            for found in compiled(_PORT_FLAG).finditer(str(value or "")):
                yield int(found[1]), name.removeprefix("env.")


def _defaults(scope: Scope) -> frozenset[int]:
    """Default values of the program's port options, which a value given from outside replaces."""
    options = (option for option in _records(scope, "src.argparse") if "port" in str(option.get("flag")))
    return frozenset(port for option in options if (port := whole(option.get("default"))))


def asked_port_taken(scope: Scope, _clause: Clause) -> bool | None:
    """A port that the program asks for by number is listening already. Binds port, at."""
    known, listening = scope.snapshot.look("host.listening")
    ports = list(_asked_ports(scope))
    told = all(scope.snapshot.look(name)[0] for name in ("src.calls", "env.GRADIO_SERVER_PORT"))
    clear = False if told and not _port_unreadable(scope) and not _says_taken(scope) else None
    if not ports:
        return clear
    if not known:
        scope.miss("host.listening")
        return None
    for port, place in ports:
        if port in (listening or ()):
            scope.bind("port", port)
            scope.bind("at", place)
            scope.see("host.listening", port)
            return True
    return None if _says_taken(scope) else False


def _says_taken(scope: Scope) -> bool:
    """The text speaks of a port that is in use: what asks for it may be another program than the one that was read."""
    log = scope.case.log
    return log is not None and log.search(_IN_USE, ("already in use", "eaddrinuse", "empty port")) is not None


def vllm_in_play(scope: Scope, _clause: Clause) -> bool | None:
    """The engine vLLM is installed here or speaks in the text."""
    known, version = scope.snapshot.look("dist.vllm")
    if version is not None:
        return True
    if scope.case.log is not None and scope.case.log.search("vllm", ("vllm",)):
        return True
    return False if known or scope.case.log is not None else None


def vllm_pin_broken(scope: Scope, clause: Clause) -> bool | None:
    """The installed ``of`` (torch, transformers) is not one that vLLM's metadata accepts. Binds vllm, ``of``, want."""
    other = clause["of"]
    (known, engine), (there, found) = (scope.get(f"dist.{name}", bind=name) for name in ("vllm", other))
    if engine is None:
        return False if known else None
    want = ranges.requires("vllm", engine, other)
    if not want:
        return None
    scope.bind("want", want)
    if found is None:
        return False if there else None
    fine = ranges.accepts("vllm", engine, other, found)
    return None if fine is None else not fine


def vllm_transformers_apart(scope: Scope, clause: Clause) -> bool | None:
    """The installed vLLM is known to break with this transformers; a text may show other breaks. Binds want."""
    (known, engine), (there, found) = (scope.get(f"dist.{name}", bind=name) for name in ("vllm", "transformers"))
    if engine is None or found is None:
        undecided = (engine is None and not known) or (found is None and not there)
        return None if undecided or scope.case.log is not None else False
    for engines, broken, want in _VLLM_BREAKS:
        if versions.accepts(engines, engine) and versions.accepts(broken, found):
            scope.bind("want", want)
            return True
    if vllm_pin_broken(scope, {**clause, "of": "transformers"}):
        return True
    return None if scope.case.log is not None else False


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "device_beyond_visible": device_beyond_visible,
    "split_beyond_visible": split_beyond_visible,
    "index_fits_machine": index_fits_machine,
    "gpus_differ": gpus_differ,
    "visible_list_bad": visible_list_bad,
    "asked_port_taken": asked_port_taken,
    "vllm_in_play": vllm_in_play,
    "vllm_pin_broken": vllm_pin_broken,
    "vllm_transformers_apart": vllm_transformers_apart,
}
