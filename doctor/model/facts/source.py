"""Facts about what the user wants to run (WHAT): read with the ast module, never executed."""

from doctor.model.facts.spec import fact

FACTS = (
    fact("src.files", "list", "files read", "path"),
    fact("src.errors", "records", "files that do not parse", "path", file="path", line="int", problem="text"),
    fact(
        "src.imports",
        "records",
        "top-level imports of the program",
        "path",
        module="text",
        name="text",  # imported name, for `from module import name`
        file="path",
        line="int",
        guarded="bool",  # inside try/except ImportError, a function or a branch, or in a file that is not surely imported
        resolves="bool",
        dist="text",  # distribution that serves it
        want="text",  # distribution that usually serves it
        spec="text",  # what the project's own requirement lines ask of that distribution
        stranger="bool",  # nobody vouches for a distribution of that name
        where="text",  # stdlib, local (beside the program), path (PYTHONPATH), site, editable, or empty: nobody
        entry="bool",  # as in src.repos
        sub="bool",  # the file of its submodule exists; null for a plain name, or when it cannot be told
    ),
    fact("src.requirements", "records", "requirement lines", "path", name="text", spec="text", file="path", line="int", met="bool", found="version"),
    fact("src.repos", "records", "repo ids and local paths it loads", "path", id="text", file="path", line="int", kind="text", cached="bool", via="text",
         default="bool",  # only the default of a command line option
         entry="bool",  # in a file that was named, lies at the top of the named folder, or is imported or run by such a one
    ),
    fact("src.env", "records", "variables it sets", "free", name="text", value="text", file="path", line="int", after_import="text"),
    fact(
        "src.calls",
        "records",
        "calls that matter: from_pretrained, to, cuda, launch, input ...",
        "free",
        name="text",  # dotted name, last part first resolved: transformers.AutoModel.from_pretrained
        method="text",  # last part
        args="list",  # literal positional arguments, else null
        keywords="map",  # keyword -> literal value, or null when not a literal
        file="path",
        line="int",
        scope="text",  # module, function name, or loop
        target="text",  # variable it is assigned to or called on
        in_loop="bool",
        in_async="bool",
        no_grad="bool",
        on="text",  # dotted name of the loader that made the object it is called on, else empty
        then="list",  # methods called on its result, and functions its result is passed to
        model="text",  # repo id or path of the weights that it loads or works on
        quantised="bool",  # loads, or works on, a model in 4 or 8 bit by bitsandbytes
        dispatched="bool",  # the same for a model that device_map spreads
        again="bool",  # the same weights are loaded by an earlier call as well
        handles="list",  # exceptions caught around it; "" for a bare except
        in_handler="bool",  # in a function that a web server or user interface calls
    ),
    fact("src.argparse", "records", "command line options it declares", "free", flag="text", default="text", file="path", line="int"),
    fact("src.shell", "records", "shell lines (scripts) that matter", "free", text="text", file="path", line="int"),
    fact("src.names", "list", "dotted names used, resolved through the imports"),
    fact("src.found", "path", "the only program of the working folder, looked at because nothing was named", "path"),
    fact(
        "src.broken_imports",
        "records",
        "names that installed packages import from others, whose installed release does not define them",
        "path",
        dist="text",
        version="version",
        file="path",
        line="int",
        module="text",
        name="text",  # empty: the module itself is gone
        of="text",  # the distribution that the name is wanted from
        found="version",
    ),
    fact("src.project", "text", "code base recognised: llava, lisa, internvl, qwen-vl ..."),
)
