"""Links that a start script in the working folder makes: one into a missing folder fails before Python runs."""
import os
import re

import weights
from patterns import compiled

SCRIPTS = 20  # scripts read
SCRIPT_CAP = 65536  # bytes of each
LINK = r"(?m)^\s*(?:sudo\s+)?ln\s+(.*)$"


def planned(cwd):
    """``[{path, target, problem}]`` of every ``ln -s TARGET LINK``; problem parent-missing when LINK has no folder."""
    try:
        names = sorted(n for n in os.listdir(cwd) if n.endswith((".sh", ".bash")))[:SCRIPTS]
    except OSError:
        return []
    out = []
    for name in names:
        try:
            with weights.open_regular(os.path.join(cwd, name)) as file:
                text = file.read(SCRIPT_CAP).decode("utf-8", "replace")
        except OSError:
            continue  # a script that this user may not read
        out.extend(_links(text, cwd))
    return out


def _links(text, cwd):
    if re.search(r"\bcd\s", text):
        return  # where the links then lie is not certain
    made = {os.path.normpath(m) for m in re.findall(r"mkdir\s+(?:-\w+\s+)*[\"']?([^\s\"';&|]+)", text)}
    for line in compiled(LINK).findall(text):
        words = _words(line)
        if len(words) != 2 or "$" in words[1]:
            continue
        path = os.path.normpath(os.path.join(cwd, words[1]))
        parent = os.path.dirname(path)
        lost = not os.path.isdir(parent) and os.path.relpath(parent, cwd) not in made
        yield {"path": path, "target": words[0], "problem": "parent-missing" if lost else None}


def _words(line):
    """TARGET and LINK of a symbolic ``ln``, [] for another use."""
    import shlex  # few scripts make links

    try:
        words = shlex.split(re.split(r"[;&|]", line)[0], comments=True)
    except ValueError:
        return []
    flags = [w for w in words if w.startswith("-")]
    return [w for w in words if not w.startswith("-")] if any("s" in f for f in flags) else []
