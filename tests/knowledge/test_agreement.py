"""The tables against a real resolver: random pins of catalogued packages, our verdict against uv's.

Run by hand: ``pytest -m network tests/knowledge/test_agreement.py``; ``AGREEMENT_DRAWS`` says how many (default 60),
``AGREEMENT_SECONDS`` when to stop, ``AGREEMENT_SEED`` which.
uv reads live metadata, we read the tables, so a difference is a wrong row or a release that is newer than the tables.
"""

import os
import random
import shutil
import subprocess
import time

import pytest
from front_index import serve
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, ResolutionTooDeep, Resolver

from doctor.knowledge import ranges, versions, wheels
from doctor.model.names import normalise

PYTHON, TAG, WHERE = "3.10.12", "cp310", "linux_x86_64"
ENV = ranges.environment("linux", "x86_64", PYTHON)
UV = shutil.which("uv")


def installable(name, version):
    python = wheels.needs_python(name, version)
    return wheels.has_wheel(name, version, TAG, WHERE) is True and (not python or versions.accepts(python, PYTHON))


def offers(name):
    return [v for v in versions.candidates(name) if installable(name, v)]


def asked(name, version):
    """Requirements of catalogued packages, as (name, specifier, yanked or pre-release pins allowed)."""
    lines = ranges.requirements(name, version) or []
    read = [ranges.read(line) for line in lines if ranges.applies(line, ENV)]
    return [(normalise(each.name), str(each.specifier)) for each in read if normalise(each.name) in versions.packages()]


class Tables(AbstractProvider):
    def identify(self, requirement_or_candidate):
        return requirement_or_candidate[0]

    def get_preference(self, identifier, resolutions, candidates, information, backtrack_causes):
        causes = {each.requirement[0] for each in backtrack_causes}
        return (identifier not in causes, len(list(candidates[identifier])))

    def find_matches(self, identifier, requirements, incompatibilities):
        wanted = [spec for _, spec in requirements[identifier]]
        bad = {version for _, version in incompatibilities[identifier]}
        pinned = [spec.removeprefix("==") for spec in wanted if spec.startswith("==") and "*" not in spec and "," not in spec]
        pool = offers(identifier) or [v for v in pinned if installable(identifier, v)]
        return [(identifier, v) for v in pool if v not in bad and all(versions.accepts(spec, v) for spec in wanted)]

    def is_satisfied_by(self, requirement, candidate):
        return bool(versions.accepts(requirement[1], candidate[1]))

    def get_dependencies(self, candidate):
        return asked(*candidate)


def ours(pins):
    """True: the tables know a solution; False: there is none; None: too deep to tell."""
    try:
        Resolver(Tables(), BaseReporter()).resolve([(name, f"=={version}") for name, version in pins.items()], max_rounds=3000)
    except ResolutionImpossible:
        return False
    except ResolutionTooDeep:
        return None
    return True


def theirs(pins, url):
    text = "".join(f"{name}=={version}\n" for name, version in pins.items())
    words = [UV, "pip", "compile", "-q", "--no-config", "--no-build", "--default-index", url, "--cache-dir", os.environ.get("AGREEMENT_CACHE", ".uv"), "--python-version", "3.10", "--python-platform", "x86_64-manylinux_2_28", "-"]
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return None, "timeout"
    if done.returncode and "No solution found" not in done.stderr:
        return None, done.stderr
    return done.returncode == 0, done.stderr


def draw(dice):
    """A package, and some of what it asks for: half of the versions in range, half anywhere."""
    name = dice.choice([each for each in sorted(versions.packages()) if offers(each)])
    pins = {name: dice.choice(offers(name))}
    for _ in range(dice.randint(1, 4)):
        wanted = [each for pin in pins.items() for each in asked(*pin) if each[0] not in pins and offers(each[0])]
        if not wanted:
            other = dice.choice(["torch", "numpy", "transformers", "huggingface-hub", "peft", "accelerate"])
            wanted = [] if other in pins else [(other, "")]
        if not wanted:
            continue
        other, spec = dice.choice(wanted)
        fitting = [v for v in offers(other) if versions.accepts(spec, v)]
        pins[other] = dice.choice(fitting if fitting and dice.random() < 0.6 else offers(other))
    return pins


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.skipif(UV is None, reason="uv is not on PATH")
def test_the_tables_agree_with_uv(tmp_path, monkeypatch):
    monkeypatch.setenv("AGREEMENT_CACHE", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve() as url:
        compare(url)


def compare(url):
    dice = random.Random(int(os.environ.get("AGREEMENT_SEED", "20261120")))
    same, sat, different, open_ = 0, 0, [], []
    stop = time.monotonic() + float(os.environ.get("AGREEMENT_SECONDS", "3600"))
    for _ in range(int(os.environ.get("AGREEMENT_DRAWS", "60"))):
        if time.monotonic() > stop:
            break
        pins = draw(dice)
        mine = ours(pins)
        other, words = theirs(pins, url)
        if mine is None or other is None:
            open_.append((pins, mine, words))
        elif mine == other:
            same, sat = same + 1, sat + mine
        else:
            different.append((pins, mine, words))
    for pins, mine, words in [*different, *open_]:
        print(f"ours {mine}: {pins}\n{words}")
    print(f"{same} of {same + len(different)} agree ({sat} solvable), {len(open_)} not decided")
    assert same >= 0.99 * (same + len(different))
