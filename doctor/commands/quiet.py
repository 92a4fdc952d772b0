"""Says on a terminal what a watched command does while it prints nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from doctor.collect.stuck import Doing

SPEAK = (60.0, 300.0, 900.0, 3600.0)  # seconds of silence after which there is something to say
PHRASES = {
    "en": {
        "head": "vlmdoctor: silent for {minutes} min. ",
        "compiling": "It compiles ({what}); a first run does that once.",
        "downloading": "It downloads {what} at {rate} MB/s.",
        "loading-shards": "It reads weights from disk at {rate} MB/s {what}.",
        "computing": "It computes on {cpus} CPUs with {memory} GiB of RAM.",
        "disk-wait": "It waits for a disk that does not answer {what}.",
        "waiting": "It neither computes nor reads; it waits for the network, a lock or the GPU {what}.",
    },
    "zh": {
        "head": "vlmdoctor：已 {minutes} 分钟没有输出。",
        "compiling": "正在编译（{what}），首次运行才需要。",
        "downloading": "正在下载 {what}，{rate} MB/s。",
        "loading-shards": "正在从磁盘读取权重，{rate} MB/s {what}。",
        "computing": "正在用 {cpus} 个 CPU 核计算，占内存 {memory} GiB。",
        "disk-wait": "正在等待没有响应的磁盘 {what}。",
        "waiting": "既没有计算也没有读盘，正在等网络、锁或 GPU {what}。",
    },
}


class Notice:
    """For ``watch(on_quiet=...)``; ``facts`` are those of the last look."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.facts: dict[str, str] = {}
        self._spoken = 0.0

    def __call__(self, pid: int, seconds: float) -> None:
        """Look, and speak when a further threshold has passed."""
        from doctor.collect import stuck

        if seconds < self._spoken:  # it has printed something since
            self._spoken = 0.0
        due = max((limit for limit in SPEAK if limit <= seconds), default=0.0)
        if due <= self._spoken:
            return
        self._spoken = seconds
        doing = stuck.look_twice(pid)
        self.facts = dict(stuck.facts(doing))
        if doing is not None and sys.stderr.isatty():
            click.echo(sentence(doing, seconds, self.lang), err=True)


def sentence(doing: Doing, seconds: float, lang: str) -> str:
    """One line: how long it has been silent and what the processes do. Names of files lose what a terminal obeys."""
    what = "".join(char for char in doing.what if char.isprintable())[:80]
    holes = {
        "minutes": round(seconds / 60),
        "what": what,
        "rate": f"{doing.rate / 1e6:.1f}",
        "cpus": f"{doing.cpus:.1f}",
        "memory": f"{doing.rss / (1 << 30):.1f}",
    }
    return (PHRASES[lang]["head"] + PHRASES[lang][doing.kind]).format(**holes).replace(" .", ".").replace(" 。", "。")
