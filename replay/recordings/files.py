"""Recordings behind one interface: `.mcap`, `.jsonl`, and `-` for standard input or output as JSON lines.

with open_reader("in.mcap") as records, open_writer("out.jsonl") as out:
    for record in records:
        out.write_payload(record.topic, record.payload, record.time_ns, record.log_ns)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fusion.errors import MessageRejected, RecordingError
from replay.recordings.jsonl_file import STANDARD, JsonlReader, JsonlWriter
from replay.recordings.record import Problem, Problems, Reader, Record, Writer, topic_of

__all__ = [
    "Problem",
    "Problems",
    "Reader",
    "Record",
    "Report",
    "TopicReport",
    "Writer",
    "check_output",
    "inspect",
    "open_reader",
    "open_writer",
    "topic_of",
]

ENDINGS: Final = "a path that ends in .mcap or .jsonl, or -"
NOTHING: Final[Mapping[str, str]] = {}


def open_reader(path: str | Path) -> Reader:
    """A reader of the recording's messages in file order; close it, or use it in a `with`.

    Raises RecordingError where the file cannot be opened, or is not what its ending says.
    """
    if _container(path) == "mcap":
        from replay.recordings.mcap_file import McapReader

        return McapReader(str(path))
    return JsonlReader(str(path))


def open_writer(path: str | Path, metadata: Mapping[str, str] = NOTHING, reads: str | Path | None = None) -> Writer:
    """A writer that replaces what was at `path`; close it, or use it in a `with`.

    metadata: written at the start where the container has room for it (MCAP): configuration, zones, version.
    reads: the recording that is being read meanwhile; refused if it is the same file.
    """
    check_output(path, reads)
    if _container(path) == "mcap":
        from replay.recordings.mcap_writer import McapWriter

        return McapWriter(str(path), metadata)
    return JsonlWriter(str(path))


def check_output(path: str | Path, reads: str | Path | None = None) -> None:
    """Raise RecordingError now for what would fail after long work: ending, folder, IN and OUT the same."""
    _container(path)
    if reads is not None and _same(path, reads):
        raise RecordingError(str(path), "is the recording that is being read; allowed is another file")
    folder = Path(path).parent
    try:
        found = str(path) == STANDARD or folder.is_dir()
    except OSError as error:
        raise RecordingError(str(path), f"cannot be written: {error.strerror}") from error
    if not found:
        raise RecordingError(str(path), f"cannot be written: {folder} is not a folder")


def _container(path: str | Path) -> str:
    if str(path) == STANDARD:
        return "jsonl"
    ending = Path(path).suffix.lower()
    if ending not in (".mcap", ".jsonl"):
        raise RecordingError(str(path), f"ends in {ending or 'nothing'!r}; allowed is {ENDINGS}")
    return ending[1:]


def _same(one: str | Path, other: str | Path) -> bool:
    if STANDARD in (str(one), str(other)):
        return False
    try:
        return Path(one).samefile(other)
    except OSError:
        return False  # one of them does not exist


@dataclass(slots=True)
class TopicReport:
    """messages: how many; bytes: of payload; from_ns, to_ns: the span of event time."""

    messages: int
    bytes: int
    from_ns: int
    to_ns: int


@dataclass(slots=True)
class Report:
    """What a recording holds.

    problems: the first of each kind of damage, counted. wrong: the same of messages that hold what they may not.
    """

    path: str
    topics: dict[str, TopicReport]
    problems: tuple[Problem, ...]
    wrong: tuple[Problem, ...]
    truncated: bool
    metadata: dict[str, str]

    @property
    def messages(self) -> int:
        return sum(topic.messages for topic in self.topics.values())

    @property
    def span_s(self) -> float:
        """From the first event time to the last, seconds; 0 for an empty recording."""
        topics = self.topics.values()
        if not topics:
            return 0.0
        return (max(topic.to_ns for topic in topics) - min(topic.from_ns for topic in topics)) / 1e9


def envelope_alone(message: Mapping[str, Any]) -> None:
    """Whatever a message holds beside its envelope is good."""


def inspect(path: str | Path, check: Callable[[Mapping[str, Any]], None] = envelope_alone) -> Report:
    """Read a whole recording and decode every message of it: what is there, and what is wrong with it.

    check: raises MessageRejected for a message whose contents are wrong.
    """
    topics: dict[str, TopicReport] = {}
    wrong = Problems()
    with open_reader(path) as reader:
        for record in reader:
            try:
                time_ns = int(record.message["time_ns"])
            except MessageRejected as error:
                reader.problems.add(error.code, f"{record.topic}: {error.detail}", reader.offset)
                continue
            try:
                check(record.message)
            except MessageRejected as error:
                wrong.add(f"{record.topic} {error.code}", f"{record.topic}: {error.detail}", reader.offset)
            known = topics.get(record.topic)
            if known is None:
                topics[record.topic] = TopicReport(1, len(record.payload), time_ns, time_ns)
                continue
            known.messages += 1
            known.bytes += len(record.payload)
            known.from_ns = min(known.from_ns, time_ns)
            known.to_ns = max(known.to_ns, time_ns)
        return Report(
            str(path), dict(sorted(topics.items())), tuple(reader.problems), tuple(wrong), reader.truncated,
            reader.metadata,
        )  # fmt: skip
