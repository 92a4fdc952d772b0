"""The target interpreter and what is installed for it (see README.md)."""
import dists
import about
from wire import Group

GROUPS = [
    Group(about.NAMES, about.read),
    Group(("dist.*",), dists.read_versions),
    Group((), dists.check_complete, closes=("dist",)),
    Group(("python.unmet",), dists.unmet),
    Group(("python.requires", "python.needs_python"), dists.read_requires),
    Group(("python.duplicates",), dists.read_duplicates),
    Group(("python.leftovers",), dists.read_leftovers),
    Group(("dists",), dists.read_records),
]
