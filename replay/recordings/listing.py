"""The messages of a recording as lines of JSON, to be printed."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator

from adapters.wire import encode
from fusion.errors import MessageRejected
from replay.recordings.record import Reader, Record, topic_of


def lines(
    reader: Reader,
    takes: Callable[[Record], bool],
    count: int | None = None,
    tail: int | None = None,
    pretty: bool = False,
) -> Iterator[bytes]:
    """Each taken message as JSON that ends in a line feed: one line, or several with `pretty`.

    An alert step that stands on two topics, both taken, is one line: a line does not tell its topic.
    count: the first so many. tail: the last so many, at the end of the recording. A message that breaks the contract
    is no line, and is added to the reader's problems.
    """
    found = _taken(reader, takes)
    if tail is not None:
        found = iter(deque(found, maxlen=tail))
    shown = 0
    for record, offset in found:
        try:
            line = _line(record, pretty)
        except MessageRejected as error:
            reader.problems.add(error.code, f"{record.topic}: {error.detail}", offset)
            continue
        yield line
        shown += 1
        if shown == count:
            return


def _taken(reader: Reader, takes: Callable[[Record], bool]) -> Iterator[tuple[Record, int]]:
    """Records with where they stand."""
    for record in reader:
        if takes(record) and not _shown_on_its_own_topic(record, takes):
            yield record, reader.offset


def _shown_on_its_own_topic(record: Record, takes: Callable[[Record], bool]) -> bool:
    if record.kind != "alert":
        return False
    try:
        own = topic_of(record.message)
    except MessageRejected:
        return False
    return own != record.topic and takes(Record(own, record.time_ns, record.log_ns, record.payload, record.message))


def _line(record: Record, pretty: bool) -> bytes:
    message = record.message
    as_it_is = record.payload.startswith(b"{") and b"\n" not in record.payload and b"\r" not in record.payload
    text = record.payload.strip() if as_it_is else encode(message, json=True)
    if pretty:
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False).encode()
    return text + b"\n"
