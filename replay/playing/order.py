"""Detections in the order of their event time, as far as one can look ahead: so fast or slow, a replay says the same.

A pace by event time is an order by event time. A service that takes looks as they were made, and not as they once
arrived, has no late ones to take back: its alerts are those of `skypicket track`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Final

from fusion.errors import MessageRejected
from replay.recordings.record import Record
from replay.recordings.seeking import DISORDER_NS

MOST_BYTES: Final = 64 * 2**20  # of payloads held back; the number of messages alone bounds nothing

Entry = tuple[int, str, int, int, Record]  # event time, topic, seq, place in the file


def by_event_time(records: Iterable[Record], most: int) -> Iterator[Record]:
    """The records by event time, those of one time by topic and `seq`, as the offline tracker takes them.

    One is held back until another is `DISORDER_NS` ahead of it, or `most` are held; what stands later in the file than
    that goes out at once. Where times fall back by more, a run begins anew: all before it goes out first. Opening
    states stay where they are.
    """
    held: list[Entry] = []
    size, newest_ns = 0, 0
    for place, record in enumerate(records):
        if held and (record.opening or record.time_ns < newest_ns - DISORDER_NS):
            yield from _all(held)
            size, newest_ns = 0, 0
        if record.opening:
            yield record
            continue
        newest_ns = max(newest_ns, record.time_ns)
        heapq.heappush(held, (record.time_ns, record.topic, _seq(record), place, record))
        size += len(record.payload)
        while held and (held[0][0] < newest_ns - DISORDER_NS or len(held) > most or size > MOST_BYTES):
            first = heapq.heappop(held)[-1]
            size -= len(first.payload)
            yield first
    yield from _all(held)


def _all(held: list[Entry]) -> Iterator[Record]:
    """Everything that is held, in order; nothing is held then."""
    while held:
        yield heapq.heappop(held)[-1]


def _seq(record: Record) -> int:
    """0 for what breaks the contract: whoever takes the record says so."""
    try:
        return int(record.message["seq"])
    except MessageRejected:
        return 0
