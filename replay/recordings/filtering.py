"""Which messages of a recording a command takes: by time, topic, sensor and zone."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from replay.recordings.moments import Window
from replay.recordings.record import Record
from replay.recordings.selection import TopicSelection

EVERY_TOPIC: Final = TopicSelection()


class Choice:
    """What is taken: a message inside the window, of a chosen topic, and of a chosen sensor or zone where it has one.

    sensors: of the frames, these alone; empty: all. zones: of the alerts, those of these zones alone; empty: all.
    Messages that concern no single sensor or zone (`tracks`, `status`, `zones`, `truth`) pass both.
    """

    def __init__(
        self,
        topics: TopicSelection = EVERY_TOPIC,
        window: Window | None = None,
        sensors: Collection[str] = (),
        zones: Collection[str] = (),
    ) -> None:
        self.topics, self.window = topics, window or Window()
        self._parts = {"frame": frozenset(sensors), "alert": frozenset(zones)}

    def takes(self, record: Record) -> bool:
        """Whether the record is wanted. To be asked of every record, in file order."""
        inside = self.window.takes(record.time_ns)
        if not inside or not self.topics.takes(record.topic):
            return False
        kind, _, rest = record.topic.partition(".")
        wanted = self._parts.get(kind)
        return not wanted or rest.partition(".")[0] in wanted
