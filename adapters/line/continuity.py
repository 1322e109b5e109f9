"""Is what arrives all that was sent? The `seq` of each topic of one publisher, and what there is to tell."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

RUNS = 16  # former epochs of the publisher of which something may still be on its way


@dataclass(frozen=True, slots=True)
class Gap:
    """`missing` messages of one topic were lost."""

    source: str
    topic: str
    missing: int

    def __str__(self) -> str:
        return f"{self.missing} lost on {self.topic} from {self.source}"


@dataclass(frozen=True, slots=True)
class Restart:
    """The publisher began a new run."""

    source: str
    epoch: str

    def __str__(self) -> str:
        return f"{self.source} has started anew (epoch {self.epoch})"


@dataclass(frozen=True, slots=True)
class Silent:
    """No `status` for so long: whoever publishes, or the way to it, is down."""

    seconds: float

    def __str__(self) -> str:
        return f"no status for {self.seconds:g} s"


@dataclass(frozen=True, slots=True)
class Restored:
    """The line speaks again after it was silent."""

    def __str__(self) -> str:
        return "the line is back"


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A snapshot or missed steps could not be had; it is tried again, and what comes live goes on."""

    detail: str

    def __str__(self) -> str:
        return f"no snapshot: {self.detail}"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that breaks the contract was left out."""

    topic: str
    detail: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Open alerts that the service no longer knows, or so many steps that they were not fetched."""

    alerts: tuple[str, ...]
    steps: int = 0

    def __str__(self) -> str:
        if self.steps:
            return f"{self.steps} old alert steps were not fetched"
        return f"no longer known to the service: alert {', '.join(self.alerts)}"


Notice = Gap | Restart | Silent | Restored | Unanswered | Unreadable | Forgotten


class Continuity:
    """Follows some topics of one publisher.

    follows: whether a topic is subscribed to. Before `join` the first message of a topic may have any `seq`;
    after it, a topic that is new begins at 0.
    """

    def __init__(self, follows: Callable[[str], bool]) -> None:
        self._follows = follows
        self._joined = False
        self._epoch: str | None = None
        self._former: deque[str] = deque(maxlen=RUNS)
        self._next: dict[str, int] = {}

    def join(self, source: str, epoch: str, last: Mapping[str, int]) -> list[Notice]:
        """Everything up to `last` (topic -> `seq`) of the run `epoch` is known from a snapshot."""
        news: list[Notice] = []
        if self._epoch is not None and epoch != self._epoch:
            news.append(Restart(source, epoch))
        self._joined = True
        self._begin(epoch)
        self._next = {topic: seq + 1 for topic, seq in last.items() if self._follows(topic)}
        return news

    def observe(self, topic: str, message: Mapping[str, Any]) -> tuple[bool, list[Notice]]:
        """Take in the next message. Returns whether it is news to a snapshot's holder, and what to tell."""
        source, epoch, seq = message["source"], message["epoch"], message["seq"]
        if epoch in self._former:
            return True, []
        notices: list[Notice] = []
        if self._epoch is not None and epoch != self._epoch:
            notices.append(Restart(source, epoch))
            self._joined = False
        self._begin(epoch)
        expected = self._next.get(topic, 0 if self._joined else seq)
        if seq < expected:
            return False, notices
        if seq > expected:
            notices.append(Gap(source, topic, seq - expected))
        self._next[topic] = seq + 1
        return True, notices

    def compare(self, source: str, epoch: str, last: Mapping[str, int]) -> list[Notice]:
        """What the `last` of a `status` shows to be lost, where nothing followed that would have shown it."""
        notices: list[Notice] = []
        if epoch != self._epoch:
            return notices
        for topic, seq in last.items():
            if not self._follows(topic):
                continue
            expected = self._next.get(topic, 0 if self._joined else seq + 1)
            if seq >= expected:
                notices.append(Gap(source, topic, seq + 1 - expected))
            self._next[topic] = max(seq + 1, expected)
        return notices

    def _begin(self, epoch: str) -> None:
        if epoch != self._epoch:
            if self._epoch is not None:
                self._former.append(self._epoch)
            self._next.clear()
            self._epoch = epoch
