"""One recording into another, whole or in part, of the same container or the other one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from adapters.wire import Message
from adapters.wire.limits import COVARIANCE_WIDTH
from fusion.errors import MessageRejected
from replay.recordings.files import check_output, open_reader, open_writer
from replay.recordings.record import Problems, Reader, Record, Writer, topic_of

FLOATS: Final = frozenset((float, type(None)))


@dataclass(slots=True)
class Copied:
    """What was done, and what could not be kept.

    records: written. not_taken: left out because they were not asked for. from_ns, to_ns: the first and the last event
    time of all that were read; None where there were none. metadata: names of what the recording
    says of itself. Of JSON lines, which have no room for them: arrivals: messages whose time of arrival is lost;
    second_topics: alert steps that stood on a second topic too; metadata_kept: false.
    shortened: air pictures too large for one message, so that a part of each was left out.
    """

    records: int = 0
    not_taken: int = 0
    from_ns: int | None = None
    to_ns: int | None = None
    arrivals: int = 0
    second_topics: int = 0
    shortened: int = 0
    metadata: tuple[str, ...] = ()
    metadata_kept: bool = True
    truncated: bool = False
    problems: Problems = field(default_factory=Problems)


def everything(record: Record) -> bool:
    """Takes each record."""
    return True


def quiet(reader: Reader) -> None:
    """Progress for those who do not look."""


def convert(
    source: str | Path,
    target: str | Path,
    takes: Callable[[Record], bool] = everything,
    progress: Callable[[Reader], None] = quiet,
) -> Copied:
    """Write the messages of `source` that are taken into `target`, in file order; with none, write no file.

    A payload that the other container takes as it is stays as it is, even one that breaks the contract. What has
    to be written anew and cannot be counts among the problems. progress: called before each record is looked at.
    Raises RecordingError.
    """
    check_output(target, reads=source)
    copied = Copied()
    as_json = Path(target).suffix.lower() != ".mcap"
    with ExitStack() as stack:
        reader = stack.enter_context(open_reader(source))
        writer: Writer | None = None
        for record in reader:
            progress(reader)
            copied.from_ns = min(record.time_ns, copied.from_ns or record.time_ns)
            copied.to_ns = max(record.time_ns, copied.to_ns or record.time_ns)
            if not takes(record):
                copied.not_taken += 1
                continue
            try:
                message = record.message if as_json or _is_json(record) else None
                if writer is None:  # the metadata stands before the first message, and without one there is no file
                    writer = stack.enter_context(open_writer(target, reader.metadata, reads=source))
                if message is None:
                    writer.write_payload(*_stored(record))
                elif as_json:
                    _write_line(writer, record, message, copied)
                else:
                    writer.write(record.topic, with_bins(message), record.log_ns)
            except MessageRejected as error:
                reader.problems.add(error.code, f"{record.topic}: {error.detail}", reader.offset)
        copied.problems, copied.truncated = reader.problems, reader.truncated
        copied.metadata, copied.metadata_kept = tuple(sorted(reader.metadata)), not as_json
        if writer is not None:
            copied.records, copied.shortened = writer.records - copied.second_topics, writer.shortened
    return copied


def with_bins(message: Message) -> Message:
    """A message read from JSON with its columns as arrays where MCAP has them as `bin`: encoded, it has them so again.

    Those are a frame's columns of numbers, of which null is NaN, and the covariance of tracks. Others stay.
    """
    columns, kind = message.get("columns"), message["type"]
    if not isinstance(columns, dict) or kind not in ("frame", "tracks"):
        return message
    if kind == "frame":
        return {**message, "columns": {name: _column(name, column) for name, column in columns.items()}}
    if "covariance" not in columns:
        return message
    return {**message, "columns": {**columns, "covariance": _covariance(columns["covariance"])}}


def _column(name: str, column: Any) -> Any:
    if not isinstance(column, list):
        return column
    kinds = set(map(type, column))
    if name == "time_ns":
        whole = kinds == {int} and all(-(2**63) <= value < 2**63 for value in column)
        return np.array(column, dtype=np.int64) if whole else column
    return np.array(column, dtype=np.float64) if float in kinds and kinds <= FLOATS else column


def _covariance(rows: Any) -> Any:
    if not isinstance(rows, list) or not rows:
        return rows
    for row in rows:
        if not isinstance(row, list) or len(row) != COVARIANCE_WIDTH or not FLOATS.issuperset(map(type, row)):
            return rows
    return np.array(rows, dtype=np.float64)


def _write_line(writer: Writer, record: Record, message: Message, copied: Copied) -> None:
    """Write a message as a JSON line, and count what a line has no room for."""
    if record.kind == "alert" and record.topic != topic_of(message):
        copied.second_topics += 1  # the writer leaves it out
    elif record.log_ns != record.time_ns:
        copied.arrivals += 1
    if _is_json(record):
        writer.write_payload(*_stored(record))
    else:
        writer.write(record.topic, message, record.log_ns)


def _stored(record: Record) -> tuple[str, bytes, int, int, int, bool]:
    """A record as `Writer.write_payload` takes it: all that the container says of it."""
    return record.topic, record.payload, record.time_ns, record.log_ns, record.sequence, record.opening


def _is_json(record: Record) -> bool:
    return record.payload[:1] == b"{"
