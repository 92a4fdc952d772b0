"""Folders and small files of the user, read with a cap and, where they may lie on a dead mount, with a deadline."""
import errno
import os
import stat
import threading

WAIT = 1.5  # seconds for one answer of a folder outside the environment
_LISTINGS = {}
_IDLE = []  # Askers that wait for a call
_SLOW = []  # roots that did not answer; never asked again


class SilentError(OSError):
    """The file system did not answer in time."""


class Asker(object):
    """A thread that makes one call after the other, until one does not come back."""

    def __init__(self):
        """Raises RuntimeError where this user may have no more threads."""
        self._job = self._found = self._error = None
        self._asked, self._answered = threading.Semaphore(0), threading.Semaphore(0)
        thread = threading.Thread(target=self._work)
        thread.daemon = True
        thread.start()

    def _work(self):
        while True:
            self._asked.acquire()
            call, path = self._job
            self._error = None
            try:
                self._found = call(path)
            except OSError as error:
                self._error = error
            except Exception as error:  # of a text that is no path
                self._error = OSError(errno.EINVAL, str(error), path)
            self._answered.release()

    def ask(self, call, path):
        """``call(path)``; raises its OSError, and ``SilentError`` when it has not come back in ``WAIT`` seconds."""
        self._job = call, path
        self._asked.release()
        if not self._answered.acquire(timeout=WAIT):
            raise SilentError(errno.ETIMEDOUT, "no answer from the file system", path)
        _IDLE.append(self)
        if self._error is not None:
            raise self._error
        return self._found


def bounded(call, path):
    """``call(path)`` in another thread; raises ``SilentError`` when it has no answer in ``WAIT`` seconds."""
    for root in _SLOW:
        if path == root or path.startswith(root + os.sep):
            raise SilentError(errno.ETIMEDOUT, "no answer from the file system", path)
    try:
        asker = _IDLE.pop()
    except IndexError:
        try:
            asker = Asker()
        except RuntimeError:  # no more threads for this user; a slow answer is better than none
            return call(path)
    try:
        return asker.ask(call, path)
    except SilentError:
        _SLOW.append(path)
        raise


def names(path, trusted=False):
    """Names in a folder in the file system's own order, as the importer sees them; ``[]`` when it is no folder.

    ``trusted`` folders (the running interpreter's own) are listed directly. Raises ``SilentError``, and OSError for a
    folder that may not be read.
    """
    if path not in _LISTINGS:
        try:
            _LISTINGS[path] = os.listdir(path) if trusted else bounded(os.listdir, path)
        except SilentError:
            raise
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise
            _LISTINGS[path] = []
    return _LISTINGS[path]


def quiet_names(path, trusted=False):
    """``names``, with ``[]`` for a folder that cannot be read."""
    try:
        return names(path, trusted)
    except (OSError, ValueError):
        return []


_SETS = {}


def name_set(path, trusted=False):
    """``quiet_names`` as a set, for folders that are asked again and again."""
    if path not in _SETS:
        _SETS[path] = frozenset(quiet_names(path, trusted))
    return _SETS[path]


def mtime(path):
    """Modification time in nanoseconds, 0 when the path is not there."""
    try:
        return os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        return 0


def stamp(path):
    """Modification time and size: a file of the same stamp is taken as unchanged. Empty when it is not there."""
    try:
        info = os.stat(path)
    except (OSError, ValueError):
        return ""
    return "%d %d" % (info.st_mtime_ns, info.st_size)


def read(path, cap=65536):
    """The first ``cap`` bytes of a regular file, ``None`` when it is missing, unreadable or anything else."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        parts, left = [], cap
        while left > 0:
            block = os.read(fd, min(left, 1 << 20))
            if not block:
                break
            parts.append(block)
            left -= len(block)
        return b"".join(parts)
    except OSError:
        return None
    finally:
        os.close(fd)


def text(path, cap=65536):
    """``read`` as text; wrong bytes become replacement characters. ``None`` when it cannot be read."""
    data = read(path, cap)
    return None if data is None else data.decode("utf-8", "replace")


def is_dir(path):
    try:
        return stat.S_ISDIR(bounded(os.stat, path).st_mode)
    except (OSError, ValueError):
        return False


def is_file(path):
    """A regular file that is there now (a link is followed)."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def size(path):
    """Size in bytes of what a path names, ``None`` when it is not there."""
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return None


def same(first, second):
    """Two spellings of one folder."""
    return first == second or os.path.normcase(os.path.realpath(first)) == os.path.normcase(os.path.realpath(second))


def inside(path, folder):
    """``path`` lies in ``folder`` or is it; both as written."""
    folder = folder.rstrip(os.sep)
    return path == folder or path.startswith(folder + os.sep)
