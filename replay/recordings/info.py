"""What a recording holds, for people and programs: from its index where that is sound, else from every message."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.intake.sequence import Stream
from adapters.wire import Message
from adapters.wire.columns import columns_of
from fusion.errors import MessageRejected, RecordingError
from fusion.types import SECOND_NS
from replay.recordings.files import open_reader
from replay.recordings.jsonl_file import STANDARD
from replay.recordings.record import Problem, Reader, Record

if TYPE_CHECKING:
    from replay.recordings.mcap_index import Chunks

STREAMS: Final = 4096  # whose gaps are counted; what is beyond has been silent for longest
SENDERS: Final = 1000  # named; a hostile file must not fill the memory


@dataclass(slots=True)
class TopicInfo:
    """One topic. first_ns, last_ns: event times from a full scan, times of arrival from the index.

    Of a full scan alone, else None: bytes, of payload; gaps and duplicates by `seq`; detections, of frames.
    """

    messages: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    bytes: int | None = None
    gaps: int | None = None
    duplicates: int | None = None
    detections: int | None = None

    @property
    def rate_hz(self) -> float | None:
        """Messages a second between the first and the last."""
        if self.first_ns is None or self.last_ns is None or self.last_ns <= self.first_ns:
            return None
        return (self.messages - 1) * SECOND_NS / (self.last_ns - self.first_ns)


@dataclass(slots=True)
class Info:
    """What a recording holds.

    read: `index` or `full`. why_full: why the index was not enough, in words, where it was not asked for. start_ns:
    event time of the first message, from which `--from 90` counts. from_ns, to_ns: the span, in event time by a full
    scan, of arrival by the index. senders: source -> its epochs in order of appearance; of a full scan alone.
    size: bytes; None of standard input. chunks: of MCAP alone. attachments: of MCAP, when its index was read.
    """

    path: str
    container: str
    size: int | None
    read: str = "full"
    why_full: str = ""
    messages: int = 0
    start_ns: int | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    topics: dict[str, TopicInfo] = field(default_factory=dict)
    senders: dict[str, list[str]] = field(default_factory=dict)
    chunks: Chunks | None = None
    attachments: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    truncated: bool = False

    @property
    def sensors(self) -> list[str]:
        """The sensors of which there are frames."""
        return sorted(topic.partition(".")[2] for topic in self.topics if topic.startswith("frame."))

    @property
    def span_s(self) -> float:
        """From the first time to the last, seconds; 0 for an empty recording."""
        return 0.0 if self.from_ns is None or self.to_ns is None else (self.to_ns - self.from_ns) / SECOND_NS


def quiet(reader: Reader) -> None:
    """Progress for those who do not look."""


def survey(path: str, full: bool = False, progress: Callable[[Reader], None] = quiet) -> Info:
    """What the recording holds. full: read every message, even where a sound index tells.

    Raises RecordingError where nothing is readable.
    """
    if path != STANDARD and Path(path).suffix.lower() == ".mcap":
        if not full:
            try:
                return _indexed(path)
            except RecordingError as error:
                return _scanned(path, progress, error.detail)
        return _scanned(path, progress, "")
    return _scanned(path, progress, "")


def _indexed(path: str) -> Info:
    from replay.recordings.mcap_index import read_index

    index = read_index(path)
    info = Info(path, "mcap", Path(path).stat().st_size, "index", messages=index.messages, chunks=index.chunks)
    info.metadata, info.attachments = index.metadata, index.attachments
    for name, topic in sorted(index.topics.items()):
        info.topics[name] = TopicInfo(topic.messages, topic.first_ns, topic.last_ns)
    if index.messages:
        info.from_ns, info.to_ns = index.from_ns, index.to_ns
        with open_reader(path) as reader:
            first = next(iter(reader), None)
            info.start_ns = None if first is None else first.time_ns
    return info


def _scanned(path: str, progress: Callable[[Reader], None], why: str) -> Info:
    with open_reader(path) as reader:
        container = "jsonl" if path == STANDARD or path.lower().endswith(".jsonl") else "mcap"
        info = Info(path, container, reader.size, why_full=why)
        scan = _Scan(info)
        for record in reader:
            progress(reader)
            try:
                scan.add(record)
            except MessageRejected as error:
                reader.problems.add(error.code, f"{record.topic}: {error.detail}", reader.offset)
        scan.finish()
        info.size = reader.offset if reader.size is None else reader.size
        info.metadata, info.problems, info.truncated = reader.metadata, tuple(reader.problems), reader.truncated
    if container == "mcap":
        from replay.recordings.mcap_index import count_chunks

        info.chunks = count_chunks(path)
    return info


class _Scan:
    """Takes in every message of a recording."""

    def __init__(self, info: Info) -> None:
        self._info = info
        self._streams: OrderedDict[tuple[str, str, str], Stream] = OrderedDict()
        self._senders: dict[tuple[str, str], None] = {}

    def add(self, record: Record) -> None:
        """Raises MessageRejected for a message that breaks the contract, which is not counted."""
        info = self._info
        info.start_ns = record.time_ns if info.start_ns is None else info.start_ns
        message = record.message
        time_ns: int = message["time_ns"]
        info.messages += 1
        info.from_ns = min(time_ns, info.from_ns if info.from_ns is not None else time_ns)
        info.to_ns = max(time_ns, info.to_ns if info.to_ns is not None else time_ns)
        topic = info.topics.setdefault(record.topic, TopicInfo(0, time_ns, time_ns, 0, 0, 0))
        topic.messages += 1
        topic.bytes = (topic.bytes or 0) + len(record.payload)
        topic.first_ns = min(time_ns, topic.first_ns or time_ns)
        topic.last_ns = max(time_ns, topic.last_ns or time_ns)
        self._follow(record.topic, topic, message)
        if record.kind == "frame":
            topic.detections = (topic.detections or 0) + columns_of(message)[1]

    def _follow(self, name: str, topic: TopicInfo, message: Message) -> None:
        source, epoch, seq = message["source"], message["epoch"], message["seq"]
        if len(self._senders) < SENDERS:
            self._senders[source, epoch] = None
        stream = self._streams.setdefault((name, source, epoch), Stream())
        self._streams.move_to_end((name, source, epoch))
        if len(self._streams) > STREAMS:
            self._streams.popitem(last=False)
        before = stream.gaps
        topic.duplicates = (topic.duplicates or 0) + stream.is_duplicate(seq)
        stream.accept(seq)
        topic.gaps = (topic.gaps or 0) + stream.gaps - before

    def finish(self) -> None:
        """Bring what was found into its order."""
        self._info.topics = dict(sorted(self._info.topics.items()))
        for source, epoch in self._senders:
            self._info.senders.setdefault(source, []).append(epoch)
