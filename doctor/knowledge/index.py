"""The user's package index: file lists and metadata of releases. The one module that imports ``requests``.

The address always comes from the user's configuration (uv's and pip's variables, pip's files, pip's own default);
none is written here. Netrc logins are not sent, no redirect leaves the host, sizes and times are capped.
"""

from __future__ import annotations

import configparser
import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import requests

from doctor.errors import KnowledgeError
from doctor.model.numbers import whole

_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_CERTIFICATES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
_SYSTEM = Path("/etc/pip.conf")
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.2"
_DEFAULT = re.compile(r"Base URL of the Python Package Index\s*\(default\s*(\S+?)\)", re.DOTALL)
_PAGE = 64 << 20  # bytes of a project page
_METADATA = 4 << 20  # bytes of one METADATA
_RANGED = 24 << 20  # bytes read of one wheel by ranges
_CONNECT, _READ, _WHOLE = 10, 30, 120  # seconds
_HOPS = 3


@dataclass(frozen=True, slots=True)
class File:
    """One file of a release as the index lists it. ``metadata``: the index serves its METADATA beside it."""

    name: str
    url: str
    python: str | None
    yanked: str | None  # reason ("" when none is given), None when not yanked
    metadata: bool


def configured(environ: Mapping[str, str] | None = None) -> str:
    """Address of the index that uv or pip would ask. Raises KnowledgeError when there is none."""
    env = os.environ if environ is None else environ
    found = next((env[name] for name in _VARIABLES if env.get(name)), None) or _from_files(env) or _from_pip()
    if found is None:
        raise KnowledgeError("index", "no package index is configured; set PIP_INDEX_URL")
    # uv writes "name=https://..." for a named index
    found = re.sub(r"^\w[\w.-]*=(?=https?://)", "", found.strip())
    if not found.startswith(("http://", "https://")):
        raise KnowledgeError("index", "the configured package index is not an http address")
    return found.rstrip("/") + "/"


def _from_files(env: Mapping[str, str]) -> str | None:
    """``index-url`` of pip's configuration files, the most specific file first."""
    home = Path(env.get("HOME") or env.get("USERPROFILE") or "~").expanduser()
    named = env.get("PIP_CONFIG_FILE")
    places = [Path(named)] if named else []
    if named != os.devnull:
        places += [Path(sys.prefix) / "pip.conf", Path(sys.prefix) / "pip.ini"]
        places += [
            Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf",
            home / ".pip" / "pip.conf",
        ]
        places += [Path(env.get("APPDATA") or home) / "pip" / "pip.ini", _SYSTEM]
    return next((found for path in places if (found := _index_of(path))), None)


def _index_of(path: Path) -> str | None:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return None  # pip itself complains about it; here it only means that this file names no index
    sections = (each for each in ("install", "global") if parser.has_section(each))
    return next((parser.get(each, "index-url") for each in sections if parser.has_option(each, "index-url")), None)


def _from_pip() -> str | None:
    """The default that pip itself prints in its help."""
    command = [sys.executable, "-m", "pip", "install", "--help"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _DEFAULT.search(re.sub(r"\s+", " ", done.stdout))
    return found[1] if found else None


class Index:
    """Reads one simple-API index (PEP 691, else PEP 503), with metadata files (PEP 658) where it offers them."""

    def __init__(self, url: str, *, deadline: float = _WHOLE) -> None:
        self.url = url
        self._deadline = deadline
        self._session = requests.Session()
        self._session.trust_env = False  # else logins of ~/.netrc are sent
        self._proxies = {k: v for k, v in getproxies().items() if k in ("http", "https", "all")}
        self._session.verify = next((os.environ[name] for name in _CERTIFICATES if os.environ.get(name)), True)

    def files(self, name: str) -> list[File]:
        """Every file of a project. Raises KnowledgeError when the index has none or does not answer."""
        address = urljoin(self.url, f"{name}/")
        body, kind = self._get(address, _PAGE, {"Accept": _ACCEPT})
        try:
            found = _from_json(body, address) if "json" in kind else _from_html(body, address)
        except (ValueError, KeyError, TypeError) as error:
            raise KnowledgeError(name, "the index answered something that is no file list") from error
        if not found:
            raise KnowledgeError(name, "the index lists no files")
        return found

    def metadata(self, file: File) -> str:
        """METADATA of a wheel: its side file, else its member read by ranges. Raises KnowledgeError."""
        if file.metadata:
            return self._get(file.url + ".metadata", _METADATA, {})[0].decode("utf-8", "replace")
        try:
            with zipfile.ZipFile(_Ranged(self, file.url)) as wheel:
                member = next(each for each in wheel.infolist() if each.filename.endswith(".dist-info/METADATA"))
                if member.file_size > _METADATA:
                    raise KnowledgeError(file.name, "its METADATA is too large")
                return wheel.read(member).decode("utf-8", "replace")
        except (zipfile.BadZipFile, StopIteration, OSError) as error:
            raise KnowledgeError(file.name, "its METADATA cannot be read") from error

    def part(self, url: str, start: int, end: int) -> tuple[bytes, int]:
        """Bytes ``start..end`` (inclusive) of a file and the file's whole size."""
        wanted = f"bytes={start}-{end}" if start >= 0 else f"bytes={start}"
        answer = self._open(url, {"Range": wanted, "Accept-Encoding": "identity"})
        size = whole(answer.headers.get("Content-Range", "").rpartition("/")[2])
        if answer.status_code != 206 or size is None:
            raise KnowledgeError(_shown(url), "the file host does not serve parts of files")
        return self._body(answer, _RANGED), size

    def _get(self, url: str, cap: int, headers: Mapping[str, str]) -> tuple[bytes, str]:
        answer = self._open(url, headers)
        return self._body(answer, cap), answer.headers.get("Content-Type", "")

    def _open(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """The answer to a GET, following redirects on the same host only."""
        here = url
        for _ in range(_HOPS):
            answer = self._once(here, headers)
            if not answer.is_redirect:
                break
            there = urljoin(here, answer.headers["Location"])
            if urlsplit(there).hostname != urlsplit(here).hostname or not there.startswith(("https:", here[:5])):
                raise KnowledgeError(_shown(url), "the index redirects to another host")
            here = there
        if not answer.ok:
            raise KnowledgeError(_shown(url), f"HTTP status {answer.status_code}")
        return answer

    def _once(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        if not url.startswith(("http://", "https://")):
            raise KnowledgeError(_shown(url), "not an http address")
        proxies = {} if proxy_bypass(urlsplit(url).hostname or "") else self._proxies
        limits = (_CONNECT, _READ)
        try:
            return self._session.get(
                url, headers=dict(headers), timeout=limits, stream=True, allow_redirects=False, proxies=proxies
            )
        except OSError as error:  # requests' own errors, and a certificate file that is not there
            raise KnowledgeError(_shown(url), f"no answer ({type(error).__name__})") from error

    def _body(self, answer: requests.Response, cap: int) -> bytes:
        """The body, at most ``cap`` bytes within the deadline."""
        data, stop = bytearray(), time.monotonic() + self._deadline
        try:
            for piece in answer.iter_content(1 << 16):
                data += piece
                if len(data) > cap or time.monotonic() > stop:
                    raise KnowledgeError(_shown(answer.url), "the answer is too long or too slow")
        except requests.RequestException as error:
            raise KnowledgeError(_shown(answer.url), f"broken off ({type(error).__name__})") from error
        finally:
            answer.close()
        return bytes(data)


class _Ranged(io.RawIOBase):
    """A remote file for ``zipfile``: the end is read at once, other parts as they are asked for."""

    _TAIL = 1 << 16

    def __init__(self, index: Index, url: str) -> None:
        self._index, self._url, self._at, self._taken = index, url, 0, 0
        self._tail, self._size = index.part(url, -self._TAIL, 0)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._at + size, self._size)
        start, first = self._at, self._size - len(self._tail)
        if start >= end:
            return b""
        self._at = end
        if start >= first:
            return self._tail[start - first : end - first]
        self._taken += end - start
        if self._taken > _RANGED:
            raise KnowledgeError(_shown(self._url), "too much of the wheel would be read")
        return self._index.part(self._url, start, end - 1)[0]


def _shown(url: str) -> str:
    """The last part of an address: enough for a message, never a login."""
    return urlsplit(url).path.rstrip("/").rpartition("/")[2]


def _from_json(body: bytes, base: str) -> list[File]:
    """PEP 691."""
    found = []
    for row in json.loads(body)["files"]:
        beside = row.get("core-metadata", row.get("dist-info-metadata", False))
        yanked = row.get("yanked", False)
        reason = yanked if isinstance(yanked, str) else "" if yanked else None
        url = urljoin(base, str(row["url"]))
        found.append(File(str(row["filename"]), url, row.get("requires-python"), reason, bool(beside)))
    return found


class _Links(HTMLParser):
    """Anchors of a PEP 503 page."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base, self.found = base, list[File]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag != "a" or not given.get("href"):
            return
        url = urldefrag(urljoin(self.base, given["href"])).url
        beside = given.get("data-core-metadata", given.get("data-dist-info-metadata", "false")) != "false"
        python = given.get("data-requires-python") or None
        self.found.append(File(_shown(url), url, python, given.get("data-yanked"), beside))


def _from_html(body: bytes, base: str) -> list[File]:
    """PEP 503."""
    page = _Links(base)
    page.feed(body.decode("utf-8", "replace"))
    return page.found
