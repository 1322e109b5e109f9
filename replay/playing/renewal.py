"""Recorded messages as those of a sender's new run: a new `epoch` for each that they had, `seq` from 0, other names;
while the numbers of alert steps go on, as a journal's do."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any

from adapters.wire import Message, is_id, is_integer, topic_of
from adapters.wire.limits import MAX_INTEGER
from fusion.errors import ConfigError

NO_NAMES: Mapping[str, str] = {}


class Numbering:
    """The `seq` of one stream, from 0 on: gaps, duplicates and order stay as they were recorded.

    The first one becomes 0. A number below it, of a message that was overtaken, takes the place after the highest
    so far, and what is above moves up by one: so nothing is negative, and nothing looks lost.
    """

    def __init__(self, first: int) -> None:
        self._first = self._highest = first
        self._moved: list[int] = []  # recorded numbers after which one was put in
        self._below: dict[int, int] = {}

    def __call__(self, seq: int) -> int:
        """The new number of a recorded one."""
        if seq >= self._first:
            self._highest = max(self._highest, seq)
            return seq - self._first + bisect_left(self._moved, seq)
        if seq not in self._below:
            place = bisect_right(self._moved, self._highest)
            self._below[seq] = self._highest - self._first + place + 1
            self._moved.insert(place, self._highest)
        return self._below[seq]


class StepNumbers:
    """The `number` of alert steps over all stretches: as recorded in the first, then on from the highest so far.

    A service keeps its journal over restarts; who follows it takes a number that came before for a repetition.
    """

    def __init__(self) -> None:
        self._highest = self._before = 0

    def begin(self) -> None:
        """A new stretch."""
        self._before = self._highest

    def __call__(self, number: int) -> int:
        """The new number of a recorded one; one that would leave the contract's range stays as it is."""
        new = number + self._before
        if new > MAX_INTEGER:
            return number
        self._highest = max(self._highest, new)
        return new


class Renewal:
    """Makes the messages of one stretch of playing those of the new run `run`.

    names: sensor -> the sensor that its frames become.  numbers: of alert steps. What else is recorded of tracks and
    alerts is left as it is.
    """

    def __init__(self, run: str, names: Mapping[str, str] = NO_NAMES, numbers: StepNumbers | None = None) -> None:
        self._run = run
        self._names = names
        self._numbers = numbers or StepNumbers()
        self._epochs: dict[tuple[str, str, str], str] = {}
        self._streams: dict[tuple[str, str, str], Numbering] = {}

    def known(self, message: Message) -> bool:
        """Whether its source and epoch have been there."""
        return (message["source"], message["epoch"], "") in self._epochs

    def __call__(self, topic: str, message: Message) -> tuple[str, Message]:
        """The topic and the message, renewed; `message` stays as it was."""
        source, epoch = message["source"], message["epoch"]
        numbering = self._streams.get((source, epoch, topic))
        if numbering is None:
            numbering = self._streams[source, epoch, topic] = Numbering(message["seq"])
        new_epoch = self._epoch(source, epoch)
        changed: dict[str, Any] = {"seq": numbering(message["seq"]), "epoch": new_epoch}
        if message["type"] == "frame" and message["sensor"] in self._names:
            # Of its own: another sensor may bear that name, with the same source and numbers.
            changed["epoch"] = self._epoch(source, epoch, message["sensor"])
            changed["sensor"] = self._names[message["sensor"]]
            topic = topic_of({**message, **changed})
        if message["type"] == "status" and isinstance(message.get("last"), dict):
            changed["last"] = self._last(source, epoch, message["last"])
        if message["type"] == "alert" and is_integer(message.get("number"), 0, MAX_INTEGER):
            changed["number"] = self._numbers(message["number"])
        return topic, {**message, **changed}

    def _epoch(self, source: str, epoch: str, sensor: str = "") -> str:
        key = (source, epoch, sensor)
        if key not in self._epochs:
            name = f"{self._run} {source} {epoch}" + (f" {sensor}" if sensor else "")
            self._epochs[key] = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
        return self._epochs[key]

    def _last(self, source: str, epoch: str, last: Mapping[str, Any]) -> dict[str, int]:
        """A status's `last` in the new numbers, of the topics that were played: who checks it misses no other."""
        found = {}
        for topic, seq in last.items():
            numbering = self._streams.get((source, epoch, topic))
            if numbering is not None and type(seq) is int:
                found[topic] = numbering(seq)
        return found


def renamed(pairs: list[str]) -> dict[str, str]:
    """Sensor -> new sensor, of pairs like `frame.north:=frame.south`. Raises ConfigError for anything else."""
    names: dict[str, str] = {}
    for pair in pairs:
        old, sign, new = pair.partition(":=")
        sensors = [topic.removeprefix("frame.") for topic in (old, new) if topic.startswith("frame.")]
        if not sign or len(sensors) != 2 or not all(map(is_id, sensors)):
            allowed = "frame.SENSOR:=frame.SENSOR: the other topics follow from more than a name"
            raise ConfigError("--remap", pair, allowed)
        if sensors[0] in names:
            raise ConfigError("--remap", pair, f"one new name for {old}")
        names[sensors[0]] = sensors[1]
    return names
