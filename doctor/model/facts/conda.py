"""Facts about a conda environment, from the files that conda writes. Absent where the target is none."""

from doctor.model.facts.spec import fact

FACTS = (
    fact("conda.env", "text", "name of the conda environment", "free"),
    fact("conda.packages", "map", "conda packages of interest: name -> version build channel"),
    fact(
        "conda.owned",
        "records",
        "conda packages by the distribution they brought, and those of interest that bring none",
        "",
        package="text",
        version="version",
        build="text",
        channel="text",  # conda-forge/linux-64; user and token removed
        dist="text",  # normalised name of the distribution; empty where there is none
        there="bool",  # Python sees the very metadata that conda installed; else another installer has replaced it
        needs="list",  # names of the packages it depends on
    ),
    fact("conda.root", "path", "folder of conda's base environment", "path"),
    fact("conda.base", "bool", "the target is the base environment itself"),
    fact("conda.frozen", "bool", "conda-meta/frozen: the environment must not be changed (CEP 22)"),
    fact("conda.pinned", "list", "lines of conda-meta/pinned: what conda must not move"),
    fact("conda.channels", "list", "configured channels, first choice first; user and token removed", "url"),
    fact("conda.specs", "list", "what was asked for by name, as conda-meta/history tells it"),
    fact("conda.exe", "path", "the program that changes this environment: conda, mamba, micromamba", "path"),
)
