"""What the player tells: what it has sent, and where it is. And where it sends to."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

from adapters.wire import Message
from fusion.types import SECOND_NS
from replay.playing.pace import Errors
from replay.recordings.files import Problems


class Sink(Protocol):
    """Where messages go: blocks while the other side is full."""

    def push(self, topic: str, payload: bytes) -> None: ...


@dataclass(slots=True)
class Played:
    """What was sent. stretches: passes and seeks, each a run of its own. errors: of paced messages, against when each
    was due."""

    messages: int = 0
    loops: int = 0
    stretches: int = 0
    topics: dict[str, int] = field(default_factory=dict)
    errors: Errors = field(default_factory=Errors)
    problems: Problems = field(default_factory=Problems)
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """Where the player is. `state`: `waiting` (for the first message, a delay, a place in the file), `playing`,
    `paused`, `ended`. Event times None where they are not known; sent: messages so far; offset of size: in the file."""

    state: str
    time_ns: int | None
    start_ns: int | None
    end_ns: int | None
    rate: float
    loop: bool
    stretches: int
    sent: int
    offset: int
    size: int | None

    def message(self) -> Message:
        """As the answers to requests have it: the schema `position`."""
        begun = self.time_ns is not None and self.start_ns is not None
        return {
            "state": self.state,
            "time_ns": self.time_ns,
            "offset_s": (self.time_ns - self.start_ns) / SECOND_NS if begun else None,  # type: ignore[operator]
            "start_ns": self.start_ns,
            "end_ns": self.end_ns,
            "rate": 0.0 if math.isinf(self.rate) else self.rate,
            "loop": self.loop,
            "stretch": self.stretches,
            "sent": self.sent,
        }


def never() -> bool:
    """Plays to the end."""
    return False


def always() -> bool:
    """Plays at once."""
    return True
