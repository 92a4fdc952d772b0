"""Facts about Hugging Face caches, variables and what is cached."""

from doctor.model.facts.spec import fact

FACTS = (
    fact("hf.home", "path", "HF_HOME in effect", "path"),
    fact("hf.hub_cache", "path", "hub cache in effect", "path"),
    fact("hf.hub_cache_by", "text", "the variable that decided it: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, default ..."),
    fact("hf.xet_cache", "path", "xet cache in effect", "path"),
    fact("hf.assets_cache", "path", "assets cache in effect", "path"),
    fact("hf.modules_cache", "path", "HF_MODULES_CACHE in effect", "path"),
    fact(
        "hf.roots",
        "records",
        "every cache folder that a variable names or that exists at a usual place",
        "path",
        by="text",  # variable or 'usual place'
        path="path",
        used="bool",  # the one in effect
        exists="bool",
        writable="bool",
        absolute="bool",
        repos="int",
        problem="text",  # relative, tilde, not-a-folder, wrong-level, garbage, unreadable
        ignored="bool",  # the variable is set but the installed versions do not read it
    ),
    fact("hf.offline", "bool", "HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is on for the installed versions"),
    fact("hf.offline_by", "text", "the variable that says so"),
    fact("hf.endpoint", "text", "HF_ENDPOINT in effect, user info removed", "url"),
    fact("hf.endpoint_problem", "text", "no-scheme, garbage, trailing-slash, bad-port"),
    fact("hf.token", "text", "where a token comes from (variable or 'file'); absent when there is none; never its value"),
    fact("hf.token_problem", "text", "newline, quotes, non-ascii, empty, placeholder, prefix, short, whitespace, unreadable"),
    fact(
        "hf.repos",
        "records",
        "repositories in the cache in effect and in the other roots",
        "path",
        id="text",
        type="text",  # model, dataset, space
        root="path",
        used="bool",  # lies in the root in effect
        size="bytes",
        files="int",
        refs="list",
        snapshots="int",
        complete="bool",
        model_type="text",
        formats="list",  # safetensors, bin, gguf, onnx ...
        asked="bool",  # the user's model or one its config names
    ),
    fact(
        "hf.problems",
        "records",
        "damage found in cached repositories and local model folders",
        "path",
        repo="text",
        kind="text",  # dangling-symlink, incomplete-download, shard-missing, truncated, lfs-pointer, html, ref-broken,
        # no-snapshot, corrupt-json, empty-file, mixed-revisions, several-snapshots, stale-lock, permission,
        # corrupt (weights without a sound header), file-missing, not-checked (time was over), not-a-file
        path="path",
        detail="text",
        asked="bool",
        missing="bytes",
    ),
    fact("hf.cached_models", "int", "complete models in the cache in effect"),
    fact("hf.cache_files", "int", "files seen in the cache in effect"),
    fact("hf.cache_size", "bytes", "bytes of the cache in effect"),
    fact("hf.incomplete_bytes", "bytes", "bytes in .incomplete files"),
    fact("modelscope.cache", "path", "ModelScope cache that exists", "path"),
    fact("modelscope.repos", "list", "models in the ModelScope cache"),
)
