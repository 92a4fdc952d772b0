"""Who decides where a cache lies. The expected values were computed by the releases' own code."""

from __future__ import annotations

import hubpaths
import pytest

HUB = {"old": (0, 16, 4), "mid": (0, 23, 0), "new": (0, 36, 0)}


def layout(env, hub="new", transformers=None, known=True):
    versions = {"huggingface_hub": HUB[hub]}
    if transformers:
        versions["transformers"] = transformers
    return hubpaths.Layout(env, "/home/u", "/start", versions, known)


@pytest.mark.parametrize(
    ("env", "hub", "cache", "by"),
    [
        ({}, "new", "/home/u/.cache/huggingface/hub", "default"),
        ({"XDG_CACHE_HOME": "/x"}, "new", "/x/huggingface/hub", "XDG_CACHE_HOME"),
        ({"HF_HOME": "~/hf", "XDG_CACHE_HOME": "/x"}, "new", "/home/u/hf/hub", "HF_HOME"),
        ({"HF_HOME": ""}, "new", "hub", "HF_HOME"),
        ({"HF_HOME": "/d\r"}, "new", "/d\r/hub", "HF_HOME"),
        ({"HF_HUB_CACHE": "$D/h", "D": "/d"}, "new", "/d/h", "HF_HUB_CACHE"),
        ({"HF_HUB_CACHE": "$D/h", "D": "/d"}, "mid", "$D/h", "HF_HUB_CACHE"),
        ({"HF_HUB_CACHE": "~/h"}, "mid", "~/h", "HF_HUB_CACHE"),
        ({"HF_HOME": "$NOPE/h"}, "new", "$NOPE/h/hub", "HF_HOME"),
        ({"HF_HUB_CACHE": "/a", "HUGGINGFACE_HUB_CACHE": "/b"}, "new", "/a", "HF_HUB_CACHE"),
        ({"HF_HUB_CACHE": "/a", "HUGGINGFACE_HUB_CACHE": "/b"}, "old", "/b", "HUGGINGFACE_HUB_CACHE"),
        ({"TRANSFORMERS_CACHE": "/t"}, "new", "/home/u/.cache/huggingface/hub", "default"),
    ],
)
def test_client_cache(env, hub, cache, by):
    where = layout(env, hub)
    assert (where.hub_cache, where.hub_cache_by) == (cache, by)


@pytest.mark.parametrize(
    ("env", "transformers", "cache", "by"),
    [
        ({"TRANSFORMERS_CACHE": "~/t", "HF_HOME": "/h"}, (4, 57), "~/t", "TRANSFORMERS_CACHE"),
        ({"TRANSFORMERS_CACHE": "/t", "HF_HOME": "/h"}, (5, 0), "/h/hub", "HF_HOME"),
        ({"PYTORCH_TRANSFORMERS_CACHE": "/p", "HUGGINGFACE_HUB_CACHE": "/b"}, (4, 35), "/b", "HUGGINGFACE_HUB_CACHE"),
        ({"PYTORCH_TRANSFORMERS_CACHE": "/p", "HF_HUB_CACHE": "/b"}, (4, 36), "/p", "PYTORCH_TRANSFORMERS_CACHE"),
        ({"HF_HUB_CACHE": "/b"}, (4, 35), "/home/u/.cache/huggingface/hub", "default"),
        ({"HF_HUB_CACHE": "/b"}, (4, 36), "/b", "HF_HUB_CACHE"),
    ],
)
def test_cache_of_from_pretrained(env, transformers, cache, by):
    where = layout(env, transformers=transformers)
    assert (where.hub_cache, where.hub_cache_by) == (cache, by)


@pytest.mark.parametrize(
    ("transformers", "known", "ignored"), [((4, 57), True, False), ((5, 1), True, True), (None, True, True), (None, False, None)]
)
def test_transformers_cache_ignored(transformers, known, ignored):
    assert layout({}, transformers=transformers, known=known).ignored("TRANSFORMERS_CACHE") is ignored


@pytest.mark.parametrize(
    ("env", "transformers", "expected"),
    [
        ({}, None, (False, None)),
        ({"HF_HUB_OFFLINE": "yes"}, None, (True, "HF_HUB_OFFLINE")),
        ({"HF_HUB_OFFLINE": "y"}, None, (False, None)),
        ({"HF_HUB_OFFLINE": "1 "}, None, (False, None)),
        ({"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, (4, 57), (False, None)),
        ({"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, (4, 40), (True, "TRANSFORMERS_OFFLINE")),
        ({"HF_HUB_OFFLINE": "", "TRANSFORMERS_OFFLINE": "on"}, (5, 0), (True, "TRANSFORMERS_OFFLINE")),
    ],
)
def test_offline(env, transformers, expected):
    assert layout(env, transformers=transformers).offline() == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("https://hf-mirror.com", None),
        ("https://hf-mirror.com/", None),
        ("http://127.0.0.1:8080/hub", None),
        ("http://[::1]:80", None),
        ("hf-mirror.com", "no-scheme"),
        ("127.0.0.1:80", "no-scheme"),
        ("https://hf-mirror.com;", "garbage"),
        ("http://127.0.0.1:80;", "garbage"),
        ("https://hf-mirror.com\r", "garbage"),
        ("\u201chttps://hf-mirror.com\u201d", "garbage"),
        ("https:// hf-mirror.com", "garbage"),
        ("https:/hf-mirror.com", "garbage"),
        ("https://hf-mirror.com:99999", "bad-port"),
        ("https://hf-mirror.com:", "bad-port"),
        ("https://", "garbage"),
        ("", "garbage"),
    ],
)
def test_endpoint_problem(value, problem):
    assert hubpaths.endpoint({"HF_ENDPOINT": value}, (0, 36))[1] == problem


def test_endpoint_without_secrets_and_slash():
    assert hubpaths.endpoint({"HF_ENDPOINT": "https://me:pw@mirror.example/"}, (0, 36)) == ("https://mirror.example", None)
    assert hubpaths.endpoint({"HF_ENDPOINT": "https://mirror.example/"}, (0, 27))[1] == "trailing-slash"
    assert hubpaths.endpoint({"HF_ENDPOINT": ""}, (0, 27)) == (hubpaths.DEFAULT_ENDPOINT, None)


WHOLE = "hf_" + "aB" * 17


@pytest.mark.parametrize(
    ("token", "hub", "problem"),
    [
        (WHOLE, "new", None),
        ("hf_abc", "new", "short"),
        ("hf_xxx", "new", "placeholder"),
        ("<your token>", "new", "placeholder"),
        ("hf_...", "new", "placeholder"),
        ("YOUR_HF_TOKEN", "new", "placeholder"),
        ("your_huggingface_access_token", "new", "placeholder"),
        ("${HF_TOKEN}", "new", "placeholder"),
        ("hf_jwt_abc", "new", None),
        ("api_org_abc", "new", None),
        (WHOLE + "\n", "new", None),
        ("hf_abc\n", "old", "newline"),
        ("", "new", "empty"),
        (" \n", "new", "empty"),
        ("'hf_abc'", "new", "quotes"),
        ("\u201chf_abc\u201d", "new", "quotes"),
        ("hf_abc\u3002", "new", "non-ascii"),
        ("hf_a bc", "new", "whitespace"),
        ("abc", "new", "prefix"),
        ("Bearer hf_abc", "new", "whitespace"),
    ],
)
def test_token_problem(token, hub, problem):
    assert hubpaths.token_problem(token, HUB[hub]) == problem


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        ("/a", "/a", None),
        ("/a\r", "/a\r", "garbage"),
        ("'/a'", "'/a'", "garbage"),
        ("/a;", "/a;", "garbage"),
        (" /a", " /a", "garbage"),
        ("$NOPE/a", "$NOPE/a", "garbage"),
        ("~/t", "~/t", "tilde"),
        ("a/b", "a/b", "relative"),
        ("", "hub", "relative"),
        ("/\u6a21\u578b/hf", "/\u6a21\u578b/hf", None),
    ],
)
def test_path_problem(value, path, problem):
    assert hubpaths.path_problem(value, path) == problem


def test_installed_versions_come_from_folder_names():
    names = ["huggingface_hub-0.36.0.dist-info", "transformers-4.57.0.dev0.dist-info", "transformers_stream-1.dist-info", "x"]
    assert hubpaths.installed(names) == {"huggingface_hub": (0, 36, 0), "transformers": (4, 57, 0)}
    assert hubpaths.version_tuple("4.30rc1") == (4, 30)
