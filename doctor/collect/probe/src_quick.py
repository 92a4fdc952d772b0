"""Repositories that the user's program names, for the part that reads the Hub's cache."""
from program import asked
from source import program


def repos(ctx):
    """Ids of model repositories, in the order in which they are met; the program is read once for both parts.

    ``ctx`` holds ``what``, ``cwd`` and ``env`` as for the part ``source``.
    """
    if not asked(ctx):
        return []
    records = [record for record in program(ctx).repos if record["kind"] == "repo" and record["entry"]]
    return list(dict.fromkeys(record["id"] for record in records))
