"""Predicates about Hugging Face caches, models and the network."""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.engine.scope import Scope
from doctor.model.patterns import compiled
from doctor.model.rule import Clause

_URL = r"(?i)(?:https?|wss?)://(?:[^/@]*@)?(\[[^\]]*\]|[^/:?#]+)"
_LOCAL = ("localhost", "127.0.0.1", "[::1]", "0.0.0.0")  # noqa: S104 - a name to compare with
_FEW_FILES = 100  # inodes; less is as good as a full disk


def near_only_in_case(scope: Scope, clause: Clause) -> bool | None:
    """A cached id equals the asked one but for upper and lower case.

    Binds ``model.near`` to it, and ``near.folder`` and ``asked.folder`` to what the cache calls the two.
    """
    known, asked = scope.get("model.asked")
    there, near = scope.get("model.near")
    if not (known and there):
        return None
    same = [name for name in near or () if str(name).casefold() == str(asked).casefold() and name != asked]
    if same:
        scope.bind("model.near", same[0])
        scope.bind("near.folder", _folder_name(same[0]))
        scope.bind("asked.folder", _folder_name(asked))
    return bool(same)


def _folder_name(repo: str) -> str:
    """A repository's folder in the cache, as huggingface_hub names it."""
    return "models--" + str(repo).replace("/", "--")


def endpoint_better(scope: Scope, clause: Clause) -> bool | None:
    """The address that a spoilt HF_ENDPOINT was meant to be can be told; binds ``endpoint.good`` to it."""
    known, spoilt = scope.get("hf.endpoint")
    if not known:
        return None
    text = re.sub(r"[^!-~]", "", str(spoilt or "")).strip("\"';,").rstrip("/;,.\"'")
    host = text.partition("://")[2] or text
    if not re.fullmatch(r"[A-Za-z0-9.-]+(:\d{1,5})?(/[\w./-]*)?", host):
        return False
    plain = re.match(r"(localhost|\d{1,3}(\.\d{1,3}){3})(:|/|$)", host)
    scheme = text.partition("://")[0] if "://" in text else "http" if plain else "https"
    scope.bind("endpoint.good", f"{scheme}://{host}")
    return scheme in ("http", "https")


def room_for_a_cache(scope: Scope, clause: Clause) -> bool | None:
    """A disk with room: a data disk, the home's, else the working directory's; binds ``room.path``, ``room.disk``.

    ``elsewhere``: it must not be the disk of the cache in effect; ``free``: bytes it must have, with ``copy`` beside
    the models of the cache in effect, which go with it.
    """
    known, rows = scope.get("disks")
    if not known:
        return None
    caches = [row.get("mount") for row in rows or () if row.get("role") == "hf_cache"]
    full = caches if clause.get("elsewhere") else []
    taken = scope.snapshot.get("hf.cache_size") if clause.get("copy") and scope.snapshot.get("hf.cached_models") else 0
    need = int(clause.get("free", 0)) + int(taken or 0)
    for role, below in (("data", "huggingface"), ("home", ".cache/huggingface"), ("cwd", "huggingface")):
        for row in rows or ():
            fits = row.get("role") == role and row.get("writable") and not row.get("read_only")
            fits = fits and (row.get("inodes_free") is None or row["inodes_free"] >= _FEW_FILES)
            if fits and row.get("mount") not in full and int(row.get("free") or 0) >= need:
                scope.bind("room.disk", str(row["path"]).rstrip("/"))
                scope.bind("room.path", f"{scope.bound['room.disk']}/{below}")
                return True
    return False


def asks_localhost(scope: Scope, clause: Clause) -> bool | None:
    """The program sends requests to this machine; with ``only``, to nothing else and loads no model.

    A program that is not known is not known to keep to this machine.
    """
    known, calls = scope.snapshot.look("src.calls")
    if not known or (clause.get("only") and not scope.snapshot.look("src.repos")[0]):
        scope.miss("src.calls")
        return False if clause.get("only") else None
    given = [(*(call.get("args") or ()), *(call.get("keywords") or {}).values()) for call in calls or ()]
    found = [compiled(_URL).match(text) for texts in given for text in texts if isinstance(text, str)]
    hosts = [each[1].lower() for each in found if each]
    local = [host for host in hosts if host in _LOCAL]
    if local:
        scope.see("src.calls", f"http://{local[0]}")
    if clause.get("only"):
        return bool(local) and len(local) == len(hosts) and not scope.snapshot.get("src.repos")
    return bool(local)


PREDICATES: dict[str, Callable[[Scope, Clause], bool | None]] = {
    "asks_localhost": asks_localhost,
    "endpoint_better": endpoint_better,
    "near_only_in_case": near_only_in_case,
    "room_for_a_cache": room_for_a_cache,
}
