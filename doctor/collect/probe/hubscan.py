"""Lists a hub cache fast: what lies in it by names and sizes, without opening a model file.

One ``stat`` a blob; of a snapshot's entries only the kind that the directory itself tells. Links are followed where the
counts leave doubt, or always with ``links=True``. Imports no sibling: ``python hubscan.py FOLDER`` prints one JSON
object a line and a last one ``{"end": ...}``, for ``vlmdoctor cache ls``.
"""
import errno
import itertools
import json
import os
import stat
import sys

KINDS = {"models": "model", "datasets": "dataset", "spaces": "space", "kernels": "kernel"}
FORMATS = {
    "safetensors": "safetensors", "bin": "bin", "gguf": "gguf", "onnx": "onnx", "pth": "pt", "pt": "pt", "h5": "h5",
    "msgpack": "msgpack",
}
WEIGHT_LIKE = tuple("." + ending for ending in FORMATS)
BY_FD = os.scandir in getattr(os, "supports_fd", ())
SHARD = r"(?s)^(.*?)-(\d{5,6})-of-(\d{5,6})(\.\w+)$"
DEPTH = 8  # folders below a snapshot
KEEP = 20  # names kept of each kind of damage
REF_CAP = 256  # bytes of a refs file


def repo_name(folder):
    """``models--org--name`` -> (model, org/name); None for a folder of another kind."""
    head, found, rest = folder.partition("--")
    if not found or not rest or head not in KINDS:
        return None
    return KINDS[head], rest.replace("--", "/", 1)


def folder_name(repo_id, kind="models"):
    return kind + "--" + repo_id.replace("/", "--")


def repo_folders(root):
    """Names of the repository folders in a cache, sorted. Raises OSError."""
    with os.scandir(root) as entries:
        return sorted(entry.name for entry in entries if repo_name(entry.name))


class Repo(object):
    """One cached repository. Sizes in bytes; paths are relative to the repository's folder."""

    __slots__ = (
        "blobs",
        "dangling",
        "errors",
        "files",
        "formats",
        "gaps",
        "id",
        "incomplete",
        "kind",
        "names",
        "path",
        "refs",
        "size",
        "snapshots",
    )

    def __init__(self, path, kind, name):
        self.path, self.kind, self.id = path, kind, name
        self.size = self.files = self.blobs = 0
        self.refs = {}  # name -> commit
        self.snapshots = {}  # commit -> files
        self.incomplete = []  # (name, bytes)
        self.dangling = []  # (path, target)
        self.gaps = []  # shards that other shards' names promise
        self.formats = set()
        self.errors = []  # (path, reason)
        self.names = {}  # commit -> names in the snapshot's own folder that matter

    def main(self):
        """The commit that a load without a revision gets; None when the client could not find it."""
        commit = self.refs.get("main")
        return commit if commit in self.snapshots else None

    def complete(self):
        return bool(self.main() and not self.incomplete and not self.dangling and not self.gaps and not self.errors)


def plain(name):
    """Can a text from a file be one name in a folder?"""
    return bool(name) and "/" not in name and "\0" not in name and name not in (".", "..")


class Listing(object):
    """``os.scandir`` through a descriptor where the system can: entries are then looked up without the whole path."""

    __slots__ = ("entries", "fd")

    def __init__(self, folder):
        self.entries = None
        self.fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY) if BY_FD else None
        try:
            self.entries = os.scandir(folder if self.fd is None else self.fd)
        except OSError:
            self.__exit__()
            raise

    def __enter__(self):
        return self.entries

    def __exit__(self, *exc):
        if self.entries is not None:
            self.entries.close()
        if self.fd is not None:
            os.close(self.fd)


def _error(repo, path, error):
    if error.errno != errno.ENOENT and len(repo.errors) < KEEP:
        repo.errors.append((os.path.relpath(path, repo.path), os.strerror(error.errno or 0)))


def _blobs(repo):
    """Sizes of the blobs; returns their names. A blob may be a link into the cache-wide store (hub 1.32 on)."""
    folder = os.path.join(repo.path, "blobs")
    names = set()
    size = 0
    try:
        with Listing(folder) as entries:
            for entry in entries:
                try:
                    size += entry.stat().st_size
                    names.add(entry.name)
                except OSError:
                    _lost_blob(repo, entry)
    except OSError as error:
        _error(repo, folder, error)
    repo.size += size
    repo.blobs = len(names)
    return names


def _lost_blob(repo, entry):
    if entry.is_symlink() and len(repo.dangling) < KEEP:
        repo.dangling.append(("blobs/" + entry.name, ""))


def _partial(repo, names):
    """Takes the ``.incomplete`` files out of the blobs."""
    for name in [name for name in names if name.endswith(".incomplete")]:
        names.discard(name)
        path = os.path.join(repo.path, "blobs", name)
        repo.incomplete.append((name, _size(path)))


def _size(path):
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _refs(repo):
    """Reads every file under refs (a ref may have a slash in its name)."""
    base = os.path.join(repo.path, "refs")
    stack = [(base, "")]
    while stack:
        folder, prefix = stack.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if prefix.count("/") < DEPTH:
                            stack.append((entry.path, prefix + entry.name + "/"))
                    elif len(repo.refs) < 1000:
                        repo.refs[prefix + entry.name] = read_ref(entry.path)
        except OSError as error:
            _error(repo, folder, error)


def read_ref(path):
    """The text of a ref as the client reads it, or an empty one when it is no small regular file."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return ""
        return os.read(fd, REF_CAP).decode("utf-8", "replace")
    finally:
        os.close(fd)


def _snapshots(repo):
    """Counts files a snapshot; returns the number of links in all, and whether counting leaves no doubt."""
    base = os.path.join(repo.path, "snapshots")
    try:
        with os.scandir(base) as entries:
            commits = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError as error:
        _error(repo, base, error)
        return 0
    links = 0
    for commit in commits:
        links += _snapshot(repo, commit, os.path.join(base, commit))
    return links


def _snapshot(repo, commit, top):
    """Counts the files of one snapshot and keeps the names that matter; returns how many are links."""
    files = links = 0
    kept = []
    stack = [(top, 0)]
    while stack:
        folder, depth = stack.pop()
        names = kept if depth == 0 else []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        links += 1
                        names.append(entry.name)
                    elif entry.is_dir(follow_symlinks=False):
                        if depth < DEPTH:
                            stack.append((folder + "/" + entry.name, depth + 1))
                    else:
                        repo.size += entry.stat(follow_symlinks=False).st_size
                        files += 1
                        names.append(entry.name)
        except OSError as error:
            _error(repo, folder, error)
        if depth:
            kept.extend(folder[len(top) + 1:] + "/" + name for name in names if name.endswith(WEIGHT_LIKE))
    repo.files += files + links
    repo.snapshots[commit] = files + links
    _note_names(repo, commit, kept)
    return links


def _note_names(repo, commit, kept):
    """Formats and missing shards from file names; only names of the commit that counts keep their gaps."""
    shards = {}
    jsons = []
    for name in kept:
        ending = name.rpartition(".")[2]
        if ending == "json":
            jsons.append(name)
        elif ending in FORMATS:
            repo.formats.add(FORMATS[ending])
            if "-of-" in name:
                head, _, tail = name.rpartition("-of-")
                stem, _, number = head.rpartition("-")
                shards.setdefault((stem, tail), []).append(number)
    repo.names[commit] = jsons
    main = repo.refs.get("main")
    if main is None or main == commit:
        for (stem, tail), numbers in shards.items():
            repo.gaps.extend(shard_gaps(stem, tail, numbers, KEEP))


def shard_gaps(stem, tail, numbers, limit):
    """Names that ``stem-00001-of-00003.safetensors`` promises and that are not there, at most ``limit``."""
    total, _, ending = tail.partition(".")
    if not (total.isdecimal() and 5 <= len(total) <= 6):
        return []
    seen = {int(number) for number in numbers if number.isdecimal() and len(number) == len(total)}
    if not seen or 0 in seen:
        return []
    lost = (number for number in range(1, int(total) + 1) if number not in seen)
    return ["%s-%0*d-of-%s.%s" % (stem, len(total), number, total, ending) for number in itertools.islice(lost, limit)]


def _follow(repo, blobs):
    """Reads every link of every snapshot and keeps those that lead nowhere."""
    stack = [(os.path.join(repo.path, "snapshots"), 0)]
    while stack:
        folder, depth = stack.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        target = os.readlink(entry.path)
                        if os.path.basename(target) not in blobs or "/blobs/" not in target:
                            _broken(repo, entry.path, target)
                    elif depth <= DEPTH and entry.is_dir(follow_symlinks=False):
                        stack.append((entry.path, depth + 1))
        except OSError as error:
            _error(repo, folder, error)


def _broken(repo, path, target):
    try:
        os.stat(path)
    except OSError:
        if len(repo.dangling) < KEEP:
            repo.dangling.append((os.path.relpath(path, repo.path), target))


def scan_repo(root, folder, links=False):
    """Everything that names and sizes tell about one repository. Never raises OSError: see ``errors``."""
    kind, name = repo_name(folder)
    repo = Repo(os.path.join(root, folder), kind, name)
    blobs = _blobs(repo)
    _partial(repo, blobs)
    _refs(repo)
    linked = _snapshots(repo)
    if links or linked > len(blobs) or (linked and len(repo.snapshots) > 1):
        _follow(repo, blobs)
    return repo


def as_row(repo):
    return {
        "id": repo.id, "type": repo.kind, "size": repo.size, "files": repo.files, "refs": sorted(repo.refs)[:50],
        "snapshots": len(repo.snapshots), "complete": repo.complete(), "formats": sorted(repo.formats),
        "incomplete_bytes": sum(size for _, size in repo.incomplete),
    }


def main(argv):
    """Prints one line a repository. Exit 0, or 1 with ``{"error": reason}`` when the folder cannot be listed."""
    root, links = argv[0], "--links" in argv[1:]
    try:
        folders = repo_folders(root)
    except OSError as error:
        sys.stdout.write(json.dumps({"error": os.strerror(error.errno or 0)}) + "\n")
        return 1
    encode, width = json.JSONEncoder(separators=(",", ":")).encode, 0
    for folder in folders:
        row = as_row(scan_repo(root, folder, links))
        width = max(width, len(row["id"]))
        sys.stdout.write(encode(row) + "\n")
    sys.stdout.write(json.dumps({"end": len(folders), "width": width}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
