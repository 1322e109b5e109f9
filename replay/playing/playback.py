"""What of a recording is played, and how: the choices of a command, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fusion.types import SECOND_NS
from replay.recordings.record import Record
from replay.recordings.selection import TopicSelection

TAKEN_IN: Final = frozenset({"frame", "truth"})  # what a service takes in
READ_AHEAD: Final = 1000  # messages, as in ros2 bag play
FASTEST: Final = 1000.0  # of a rate that keys or requests may set


@dataclass(frozen=True, slots=True)
class Playback:
    """What is played, and how fast.

    rate: seconds of event time in a second; 0 or infinity: as fast as the service takes it.
    start_offset_s: from the first played event time. duration_s: of event time from there. until_ns: an event time;
    the earlier end counts. topics: by their recorded names. kinds: of messages; None: all.
    names: sensor -> what it is called instead. delay_s: of the clock, before each pass.
    file_order: messages as they stand in the file, not by event time.
    """

    rate: float = 1.0
    loop: bool = False
    start_offset_s: float = 0.0
    duration_s: float = math.inf
    until_ns: int | None = None
    topics: TopicSelection = field(default_factory=TopicSelection)
    kinds: frozenset[str] | None = TAKEN_IN
    names: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    start_paused: bool = False
    read_ahead: int = READ_AHEAD
    file_order: bool = False

    def __post_init__(self) -> None:
        limits = (
            ("rate", self.rate, 0.0),
            ("start-offset", self.start_offset_s, 0.0),
            ("duration", self.duration_s, 0.0),
            ("delay", self.delay_s, 0.0),
            ("read-ahead-queue-size", self.read_ahead, 1.0),
        )
        for name, value, least in limits:
            if not value >= least:
                raise ValueError(f"{name} is {value}; allowed is {least:g} or more")

    @property
    def paced(self) -> bool:
        """Whether messages wait for their time."""
        return 0.0 < self.rate < math.inf

    def takes(self, record: Record) -> bool:
        """Whether the record is of a played kind and topic."""
        return (self.kinds is None or record.kind in self.kinds) and self.topics.takes(record.topic)

    def start_ns(self, first_ns: int) -> int | None:
        """The event time before which nothing is played; None: of messages that stand late, all."""
        return first_ns + round(self.start_offset_s * SECOND_NS) if self.start_offset_s else None

    def end_ns(self, first_ns: int) -> int | None:
        """The event time after which nothing is played, given the first; None: there is no such time."""
        ends = [self.until_ns] if self.until_ns is not None else []
        if math.isfinite(self.duration_s):
            ends.append(first_ns + round((self.start_offset_s + self.duration_s) * SECOND_NS))
        return min(ends, default=None)
