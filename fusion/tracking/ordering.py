"""Late frames, made exact: snapshots to go back to, and the frames to replay from there."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import Generic, TypeVar

from fusion.types import Frame

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[State]):
    """The state when all frames up to `time_ns` were in, and none after it."""

    time_ns: int
    state: State


class History(Generic[State]):
    """The last snapshots and every frame since the oldest of them."""

    def __init__(self) -> None:
        self._snapshots: list[Snapshot[State]] = []
        self._frames: list[tuple[tuple[int, str, int], Frame]] = []

    def log(self, frame: Frame) -> None:
        """Keep a frame, at its place in the order of keys."""
        insort(self._frames, (frame.key, frame), key=lambda entry: entry[0])

    def keep(self, snapshot: Snapshot[State], watermark_ns: int, newest_ns: int) -> None:
        """Add a snapshot; forget what no frame at or after the watermark can need.

        While no frame comes, the first snapshot after the newest frame and the last one are enough.
        """
        if len(self._snapshots) > 1 and self._snapshots[-2].time_ns >= newest_ns:
            self._snapshots.pop()
        self._snapshots.append(snapshot)
        old = [i for i, kept in enumerate(self._snapshots) if kept.time_ns < watermark_ns]
        if len(old) > 1:
            del self._snapshots[: old[-1]]
        oldest_ns = self._snapshots[0].time_ns
        first = next((i for i, (key, _) in enumerate(self._frames) if key[0] > oldest_ns), len(self._frames))
        del self._frames[:first]

    def before(self, time_ns: int) -> tuple[Snapshot[State], list[Frame]]:
        """The newest snapshot without frames at or after `time_ns`, and all frames after it. Later snapshots go."""
        place = max(i for i, kept in enumerate(self._snapshots) if kept.time_ns < time_ns)
        del self._snapshots[place + 1 :]
        snapshot = self._snapshots[place]
        return snapshot, [frame for key, frame in self._frames if key[0] > snapshot.time_ns]
