"""Part ``hub``: Hugging Face caches, what decides where they are, and the model asked for.

Every path here is the user's and may lie on a dead mount: all groups are risky, and inside the large one each cache
folder has a thread of its own, so that one dead disk leaves the facts of the others.
"""
import os
import time

import hubmodel
import hubpaths
import hubroots
from patterns import compiled
from program import asked
from src_where import complete
from wire import Group

TOKEN_CAP = 4096  # bytes of a token file that are read
RECORDS = 2000  # hf.repos and hf.problems: a longer list is cut, and says so
_WEIGHTS = r"\.safetensors$|[*?].*\.(?:bin|pt|pth)$"
SHARE = 0.75  # of the deadline for the caches; the rest is for sending


def layout(ctx):
    """The rules of the installed versions, which are looked up with a short limit. The one layout of this run."""
    if "_layout" not in ctx:
        env = ctx.get("env") or {}
        home = ctx.get("home") or env.get("HOME") or os.path.expanduser("~")
        names = hubroots.guarded(lambda: _installed_names(ctx), ctx["deadline"] * 0.3, None)
        found = hubpaths.installed(names or ())
        ctx["_layout"] = hubpaths.Layout(env, home, ctx.get("cwd") or os.sep, found, bool(names))
    return ctx["_layout"]


def _installed_names(ctx):
    """File names in the target's site-packages folders; none when these are not known."""
    return [name for folder in complete(ctx)[0] for name in _names(folder)]


def program_loads(ctx):
    """``(names, classes)``: the models that the user's program loads, as the part ``source`` reads it, and with what.

    ``classes``: ``{name: {AutoConfig, AutoModel ...}}`` of models that are loaded by ``from_pretrained`` only.
    """
    names = list(ctx.get("repos") or [])
    if not asked(ctx):
        return names, {}
    import source

    found = source.read_program(ctx)
    classes, other = {}, set()
    for call in found["src.calls"]:
        if call["method"] == "from_pretrained" and call["model"] and call["name"].count("."):
            classes.setdefault(call["model"], set()).add(call["name"].split(".")[-2])
        else:
            other.update(arg for arg in call["args"] or () if isinstance(arg, str))
    names += [_model_folder(record["id"], ctx.get("cwd")) for record in found["src.repos"] if record["entry"]]
    return names, {name: found for name, found in classes.items() if name not in other}


def _model_folder(name, cwd):
    """The folder of a model whose weight files a program opens one by one; other names as they are."""
    folder, last = os.path.split(name)
    if folder and compiled(_WEIGHTS).search(last) and os.path.isfile(os.path.join(cwd or "", folder, "config.json")):
        return folder
    return name


def served(ctx, module):
    """Can the target import this module? None when its folders are not known."""
    import source

    if not source.where(ctx)[0]:
        return None
    return source.target(ctx).served(module)[0] != ""


def _names(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []  # a folder on sys.path need not exist


def read_settings(ctx):
    where = layout(ctx)
    on, by = where.offline()
    address, wrong = hubpaths.endpoint(where.env, where.hub)
    return {
        "hf.home": where.absolute(where.home),
        "hf.hub_cache": where.absolute(where.hub_cache),
        "hf.hub_cache_by": where.hub_cache_by,
        "hf.xet_cache": where.absolute(where.side(("HF_XET_CACHE",), "xet")),
        "hf.assets_cache": where.absolute(where.side(("HF_ASSETS_CACHE", "HUGGINGFACE_ASSETS_CACHE"), "assets")),
        "hf.modules_cache": where.absolute(where.side(("HF_MODULES_CACHE",), "modules")),
        "hf.offline": on,
        "hf.offline_by": by,
        "hf.endpoint": address,
        "hf.endpoint_problem": wrong,
    }


def read_token(ctx):
    """Where a token comes from and whether it can be sent; its value stays here."""
    where = layout(ctx)
    names = ("HF_TOKEN",) if where.hub >= hubpaths.HUB_NEW_NAMES else ()
    for name in names + ("HUGGING_FACE_HUB_TOKEN",):
        value = where.env.get(name)
        if value:
            problem = hubpaths.token_problem(value, where.hub)
            if problem != "empty":  # the client then goes on to the next place
                return {"hf.token": name, "hf.token_problem": problem}
    path = where.absolute(where.token_path())
    if not os.path.exists(path):
        return {"hf.token": None, "hf.token_problem": None}
    return {"hf.token": "file", "hf.token_problem": _token_file(path, where.hub)}


def _token_file(path, hub):
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return "unreadable"
    try:
        return hubpaths.token_problem(os.read(fd, TOKEN_CAP).decode("utf-8", "replace"), hub)
    except OSError:
        return "unreadable"
    finally:
        os.close(fd)


def read_modelscope(ctx):
    """ModelScope's cache: MODELSCOPE_CACHE, else ~/.cache/modelscope; its models lie in hub/models, hub or models."""
    where = layout(ctx)
    value = where.env.get("MODELSCOPE_CACHE")
    base = where.absolute(hubpaths.expand_user(value or "~/.cache/modelscope", where.home_dir))
    if not os.path.isdir(base):
        return {"modelscope.cache": None, "modelscope.repos": []}
    found = set()
    for sub in ("hub/models", "models", "hub", ""):
        found.update(_owner_name(os.path.join(base, sub)))
    return {"modelscope.cache": base, "modelscope.repos": sorted(found)[:RECORDS]}


def _owner_name(folder):
    """``owner/name`` of the folders that hold a configuration. ``.`` is written ``___`` there."""
    for owner in sorted(_names(folder))[:500]:
        inner = os.path.join(folder, owner)
        if owner in ("models", "hub", "datasets") or owner.startswith((".", "_")):
            continue
        for name in sorted(_names(inner))[:500]:
            files = _names(os.path.join(inner, name))
            if "config.json" in files or "configuration.json" in files:
                yield owner + "/" + name.replace("___", ".")


def read_caches(ctx):
    """Roots, repositories, damage and the model: side by side until three quarters of the deadline are over."""
    limit = time.time() + ctx["deadline"] * SHARE
    where = layout(ctx)
    view = hubmodel.View(ctx.get("model"), lambda: program_loads(ctx), where, limit, lambda module: served(ctx, module))
    view.start()
    roots = hubroots.start(where, limit, ctx.get("usual"))
    view.join()
    for root in roots:
        root.join(limit)
    used = next(root for root in roots if root.used)
    asked = view.ids()
    facts = {"hf.roots": hubroots.records(roots, asked)}
    facts.update(_listing(roots, used, asked, view))
    facts.update(view.facts(hubroots.ids(roots)))
    return facts


def _listing(roots, used, asked, view):
    """hf.repos, hf.problems and the sums; a sum over a cache that was not read to its end stays unread."""
    repos, problems = [], list(view.problems)
    for root in roots:
        done = view.complete if root.used else {}
        repos.extend(hubroots.repo_record(root, repo, asked, done) for repo in list(root.repos))
        if root.used:
            for repo in list(root.repos):
                if repo.id not in view.judged_ids:
                    problems.extend(hubroots.repo_problems(repo, asked - view.shadowed))
        if not root.whole():
            problems.append({"repo": "", "kind": "not-checked", "path": root.path, "asked": False, "missing": None,
                             "detail": root.shortage()})
    facts = {"hf.repos": _cut(repos), "hf.problems": _cut(problems)}
    sums = {
        "hf.cached_models": sum(1 for r in used.repos if r.kind == "model" and r.complete()),
        "hf.cache_files": sum(r.files for r in used.repos),
        "hf.cache_size": sum(r.size for r in used.repos),
        "hf.incomplete_bytes": sum(size for r in used.repos for _, size in r.incomplete),
    }
    facts.update(sums if used.whole() else {"?" + name: used.shortage() for name in sums})
    return facts


def _cut(records):
    """Records of the asked model first, at most ``RECORDS``."""
    records.sort(key=lambda record: not record["asked"])
    return records[:RECORDS]


CACHE_NAMES = ("hf.roots", "hf.repos", "hf.problems", "hf.cached_models", "hf.cache_files", "hf.cache_size",
               "hf.incomplete_bytes") + hubmodel.NAMES

GROUPS = (
    Group(("hf.home", "hf.hub_cache", "hf.hub_cache_by", "hf.xet_cache", "hf.assets_cache", "hf.modules_cache",
           "hf.offline", "hf.offline_by", "hf.endpoint", "hf.endpoint_problem"), read_settings, risky=True),
    Group(("hf.token", "hf.token_problem"), read_token, risky=True),
    Group(("modelscope.cache", "modelscope.repos"), read_modelscope, risky=True),
    Group(CACHE_NAMES, read_caches, risky=True),
)
