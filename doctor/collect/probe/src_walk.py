"""Finds and reads the user's files: regular files only, capped, as bytes, links followed but never in circles."""
import itertools
import os
import stat

import paths

FILES = 2000
FILE_BYTES = 2 * 1024 * 1024
ALL_BYTES = 20 * 1024 * 1024
LEVELS = 8
ENTRIES = 20000  # of one folder
SKIP = frozenset(""".git .hg .svn .venv venv env .env.d node_modules __pycache__ .mypy_cache .ruff_cache .pytest_cache
.tox .nox .cache build dist site-packages .ipynb_checkpoints .idea .vscode wandb egg-info conda-meta""".split())
SHELL = (".sh", ".bash", ".zsh")


def kind_of(path):
    """py, ipynb, shell, docker, env, requirements, pyproject, setup.cfg, setup.py, conda; "" for anything else."""
    name = os.path.basename(path)
    low = name.lower()
    if name in ("pyproject.toml", "setup.cfg", "setup.py"):
        return name.replace(".toml", "")
    if low.startswith("environment") and low.endswith((".yml", ".yaml")):
        return "conda"
    if low.startswith(("dockerfile", "containerfile")) or low.endswith(".dockerfile"):
        return "docker"
    if low == ".env" or low.endswith(".env"):
        return "env"
    if low.endswith((".txt", ".in")) and ("require" in low or "constraint" in low or "deps" in low):
        return "requirements"
    if low.endswith(SHELL):
        return "shell"
    return {".py": "py", ".pyw": "py", ".ipynb": "ipynb"}.get(os.path.splitext(low)[1], "")


def _reading_order(entry):
    return kind_of(entry.name) in ("py", "ipynb", ""), entry.name


class Files(object):
    """Reads files within the caps and keeps account of what was left out."""

    def __init__(self, over):
        self.over = over  # callable: is the time up?
        self.read = []  # paths
        self.errors = []
        self.bytes = 0
        self.seen = set()  # (device, inode)

    def problem(self, path, text, line=None):
        self.errors.append({"file": path, "line": line, "problem": text})

    def bytes_of(self, path):
        """The file's bytes; None when it is not to be read (noted in ``errors``) or was read before."""
        if len(self.read) >= FILES or self.bytes > ALL_BYTES or self.over():
            self.problem(path, "left out: more than %d files, %d bytes or the time" % (FILES, ALL_BYTES))
            return None
        try:
            info = os.stat(path)
            if not stat.S_ISREG(info.st_mode):
                self.problem(path, "left out: not a regular file")
                return None
            if (info.st_dev, info.st_ino) in self.seen:
                return None
            if info.st_size > FILE_BYTES:
                self.problem(path, "left out: %d bytes" % info.st_size)
                return None
        except (OSError, ValueError) as error:
            self.problem(path, "unreadable: %s" % (getattr(error, "strerror", None) or error))
            return None
        data = paths.read(path, FILE_BYTES)
        if data is None:
            self.problem(path, "unreadable: it may not be opened")
            return None
        self.seen.add((info.st_dev, info.st_ino))
        self.read.append(path)
        self.bytes += len(data)
        return data

    def below(self, folder):
        """Files of a folder that are worth reading, shallow ones first; hidden folders and environments are skipped.

        Within a folder requirements and settings come before programs: they are small, and time may run out.
        """
        queue, seen, found = [(folder, 0)], set(), 0
        while queue:
            here, level = queue.pop(0)
            try:
                info = os.stat(here)
                entries = sorted(itertools.islice(os.scandir(here), ENTRIES), key=_reading_order)
            except OSError as error:
                self.problem(here, "unreadable: %s" % error.strerror)
                continue
            if (info.st_dev, info.st_ino) in seen:
                continue
            seen.add((info.st_dev, info.st_ino))
            if any(entry.name == "pyvenv.cfg" for entry in entries):
                continue
            for entry in entries:
                if found >= FILES or self.over():
                    self.problem(here, "left out: more than %d files or the time" % FILES)
                    return  # what is left of this folder and the folders behind it
                if entry.is_dir():
                    if level < LEVELS and entry.name not in SKIP and not entry.name.endswith(".egg-info"):
                        queue.append((entry.path, level + 1))
                elif kind_of(entry.path):
                    found += 1
                    yield entry.path


def text_of(data):
    """Text of a configuration or shell file: UTF-16 by its mark, else UTF-8, broken bytes replaced."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")
