"""What is wrong with installed files: damaged metadata, files that are gone, extensions that cannot load, overlaps."""
import os
import time

import dists
import extensions
import paths
import records
import shadows

# Owners of these names in several distributions say nothing: careless packaging, or shared on purpose.
COMMON = frozenset("scripts src utils tools example examples test tests docs benchmark benchmarks conftest setup "
                   "_distutils_hack distutils-precedence __editable__ pkg_resources".split())
# module -> (file of the genuine package, the distribution that brings it)
GENUINE = {
    "clip": ("clip/simple_tokenizer.py", "clip (github.com/openai/CLIP)"),
    "llava": ("llava/conversation.py", "llava"),
    "PIL": ("PIL/Image.py", "pillow"),
    "yaml": ("yaml/loader.py", "pyyaml"),
    "sklearn": ("sklearn/base.py", "scikit-learn"),
    "dotenv": ("dotenv/main.py", "python-dotenv"),
    "jwt": ("jwt/api_jwt.py", "pyjwt"),
    "docx": ("docx/document.py", "python-docx"),
    "whisper": ("whisper/transcribe.py", "openai-whisper"),
    "apex": ("apex/normalization/fused_layer_norm.py", "apex (github.com/NVIDIA/apex)"),
    "segment_anything": ("segment_anything/build_sam.py", "segment-anything"),
    "einops": ("einops/einops.py", "einops"),
    "serial": ("serial/serialutil.py", "pyserial"),
    "attr": ("attr/_make.py", "attrs"),
    "ffmpeg": ("ffmpeg/_run.py", "ffmpeg-python"),
    "umap": ("umap/umap_.py", "umap-learn"),
}
# What writes dist-info folders and always a RECORD with them; the system's own packages have none.
WRITERS = ("pip", "uv", "")


def summaries(ctx):
    """``[(dist, summary)]`` in import order until the CPU budget is spent; ``ctx["_late"]`` counts the rest."""
    if "_summaries" not in ctx:
        store, found, late = dists.store(ctx), [], 0
        began = time.process_time()
        # torch's own family first: those answers matter most when time runs out
        for dist in sorted(dists.listing(ctx).seen.values(), key=lambda one: one.name not in extensions.CERTAIN):
            if time.process_time() - began > records.BUDGET:
                late += 1
                continue
            summary = records.summary(dist, store) if dist.kind == "dist-info" else None
            roots = _roots(dist, dists.listing(ctx)) if summary is None or len(summary["claims"]) == 0 else ()
            if roots:
                summary = records.walked(dist, roots)
            if summary is not None:
                found.append((dist, summary))
        ctx["_summaries"], ctx["_late"] = found, late
    return ctx["_summaries"]


def _roots(dist, have):
    """Package folders of a distribution whose file list says nothing: an editable install, conda's egg-info."""
    if dist.kind == "dist-info":
        return [path for path in dists.targets(dist, have) if _has_init(path)]
    if dist.kind != "egg-info" or (dist.where != "pth" and dist.name not in extensions.CERTAIN):
        return []
    tops = (paths.text(dist.path("top_level.txt")) or dist.raw.replace("-", "_")).split()[:20]
    return [os.path.join(dist.folder, top) for top in tops if _has_init(os.path.join(dist.folder, top))]


def _has_init(folder):
    return "__init__.py" in paths.quiet_names(folder)


def read_corrupt(ctx):
    """python.corrupt: metadata first, then files that RECORD names."""
    found = []
    for dist in dists.listing(ctx).all:
        if dist.kind in ("dist-info", "egg-info"):
            dist.head()
        if dist.problem and dist.kind in ("dist-info", "egg-info"):
            found.append(_corrupt(dist, dist.problem, dist.metadata_path()))
        if _lacks_record(dist, dists.target(ctx)):
            found.append(_corrupt(dist, "record-missing", dist.path("RECORD")))
    twice = {record["name"] for record in dists.read_duplicates(ctx)["python.duplicates"]}
    for dist, summary in summaries(ctx):
        if summary["gone"] and dist.name not in twice:  # a stale second RECORD names files of another version
            path = os.path.join(dist.folder, summary["first_gone"])
            found.append(_corrupt(dist, "files-missing", path, summary["gone"]))
        if summary["empty"]:
            path = os.path.join(dist.folder, summary["first_empty"])
            found.append(_corrupt(dist, "files-empty", path, summary["empty"]))
        if summary["changed"] and dist.name not in twice and not dists.target(ctx).conda:
            path = os.path.join(dist.folder, summary["first_changed"])
            found.append(_corrupt(dist, "files-changed", path, summary["changed"]))
    return {"python.corrupt": found + list(_unrecorded(ctx).values())}


def _unrecorded(ctx):
    """Packages that an installed one asks for, whose code lies here while nothing records them."""
    if not dists.target(ctx).version_text:
        return {}
    modules = {dist: module for module, dist in shadows.MODULES.items()}
    sites = [folder for folder, where in dists.listing(ctx).order if where == "site"]
    found = {}
    for row in dists.unmet(ctx)["python.unmet"]:
        name = row["needs"]
        places = [os.path.join(folder, modules.get(name, name.replace("-", "_"))) for folder in sites]
        here = [place for place in places if _has_init(place)]
        if here and not row["found"]:
            found[name] = {"name": name, "problem": "metadata-gone", "path": here[0], "count": 1, "want": row["spec"]}
    return found


def _corrupt(dist, problem, path, count=1):
    return {"name": dist.name, "version": dist.version, "problem": problem, "path": path, "count": count}


def _lacks_record(dist, target):
    if dist.kind != "dist-info" or dist.where not in ("site", "user-site", "PYTHONPATH"):
        return False
    names = paths.quiet_names(dist.path(), True)
    if "RECORD" in names or not names:
        return False
    if target.conda or os.path.basename(dist.folder) == "dist-packages" or dist.folder.startswith("/usr/lib"):
        return False
    installer = (paths.text(dist.path("INSTALLER"), 200) or "").strip() if "INSTALLER" in names else ""
    return installer in WRITERS


def read_extensions(ctx):
    """ext.problems; kept in the cache as long as neither the files nor what they link against changed."""
    judge = extensions.Judge(ctx)
    if os.name == "nt":
        raise OSError("Windows libraries are not examined")
    store, found, world = dists.store(ctx), [], judge.stamp()
    for dist, summary in summaries(ctx):
        libs = summary["libs"]
        if not libs:
            continue
        times = [paths.mtime(dist.folder + os.sep + name) for name in libs]
        stamp = "%08x" % records.checksum(repr((world, times)))
        problems = store.get("ext:" + dist.path(), stamp)
        if problems is None:
            problems = extensions.problems_of(dist, libs, judge)
            store.put("ext:" + dist.path(), stamp, problems)
        found += problems
    store.save()
    return {"ext.problems": found}


def read_overlaps(ctx):
    """python.overlaps: two distributions whose RECORDs own the same import package or nvidia folder."""
    owners, found = {}, []
    for dist, summary in summaries(ctx):
        for claim in summary["claims"]:
            if claim not in COMMON:
                owners.setdefault((dist.folder, claim), []).append(dist.name)
    for (_, module), names in owners.items():
        for index, second in enumerate(names[1:], 1):
            found.append({"a": names[index - 1], "b": second, "module": module})
    return {"python.overlaps": found}


def read_foreign(ctx):
    """python.foreign: a well-known module that lacks the genuine package's file and whose owner is known."""
    owners = {}
    for dist, summary in summaries(ctx):
        for claim in summary["claims"]:
            owners.setdefault((dist.folder, claim), (dist, summary))
    found = []
    for (folder, module), (dist, summary) in owners.items():
        if module in GENUINE and not summary["gone"]:
            marker, expected = GENUINE[module]
            if not os.path.exists(os.path.join(folder, *marker.split("/"))):
                found.append({"module": module, "dist": dist.name, "expected": expected})
    return {"python.foreign": found}
