"""The good frames of a recording in order of event time, whatever their order in it.

A recording is read and checked whole before the first frame is handed out: it may be in any order, and what is
written is named by all that was read. The frames are held meanwhile, up to `HELD_BYTES`. Of a recording with more,
a few hundred bytes a frame are held, and it is read again: then only those frames wait that stand in it before
their time. So memory does not grow with the number of detections.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from adapters.intake.gatekeeper import Gatekeeper
from fusion.config import SiteConfig
from fusion.errors import RecordingError, SkypicketError
from fusion.registration.registration import Estimate
from fusion.types import SECOND_NS, Coverage, Frame, Pose
from replay.recordings.files import Problem, open_reader
from replay.recordings.record import is_file

HELD_BYTES: Final = 2**28  # 5 million detections of a 3-D radar
FRAME_BYTES: Final = 1000  # of a frame beside its numbers: objects, arrays' heads
STRAY_NS: Final = 86_400 * SECOND_NS  # a day without any frame: the few beyond it have a broken clock
STRAY_SHARE: Final = 0.02  # of the frames; more of them are a recording of several days
PROGRESS_FRAMES: Final = 256  # frames between two calls of `progress`
STANDARD: Final = "-"  # standard input is there once: all of it is held
DIGEST_BYTES: Final = 16

Progress = Callable[[str, int, int | None], None]


def quiet(stage: str, done: int, total: int | None) -> None:
    """Progress for those who do not look."""


class NoTrackError(SkypicketError):
    """A recording gives no track at all; with what was passed over, which may be why."""

    def __init__(self, path: str | Path, passed: Sequence[str]) -> None:
        super().__init__("; ".join([f"{path} gives no track", *(f"passed over: {text}" for text in passed)]))


@dataclass(slots=True)
class TrackSummary:
    """What was read and what was written.

    frames, detections: used. from_ns, to_ns: the span of their event time. truth: messages passed over, as
    the tracker never reads them. rejected: code -> how often, and the first in words, of messages and rows
    that break the contract. problems: damage of the recording itself, `truncated` that its end is missing.
    pictures: `tracks` messages. shortened: those too large for one message, of which a part was left out.
    tracks: ids that were confirmed. alerts, steps: episodes, and their messages. registration: sensor ->
    parameter -> bias, at the end; empty where it is off.
    """

    frames: int = 0
    detections: int = 0
    from_ns: int | None = None
    to_ns: int | None = None
    truth: int = 0
    rejected: dict[str, tuple[int, str]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    truncated: bool = False
    pictures: int = 0
    shortened: int = 0
    tracks: int = 0
    alerts: int = 0
    steps: int = 0
    epoch: str = ""
    registration: dict[str, dict[str, Estimate]] = field(default_factory=dict)

    @property
    def passed(self) -> tuple[str, ...]:
        """What of the recording was passed over, one sentence for each kind."""
        return (*map(str, self.problems), *(f"{count:,} x {first}" for count, first in self.rejected.values()))


class Entry(NamedTuple):
    """A frame's key and what else tells two frames apart, so that the order of the recording does not matter.

    place: among the accepted frames of the recording. digest: of all of the frame that decides the output.
    """

    time_ns: int
    sensor: str
    seq: int
    source: str
    epoch: str
    place: int
    rows: int
    digest: bytes


@dataclass(slots=True)
class AirPicture:
    """The frames of one air picture: entries in order, and where each sensor that moves first stood."""

    entries: list[Entry] = field(default_factory=list)
    poses: dict[str, tuple[Entry, Pose]] = field(default_factory=dict)

    @property
    def start_ns(self) -> int:
        return self.entries[0].time_ns

    @property
    def sensors(self) -> set[str]:
        return {entry.sensor for entry in self.entries}

    def add(self, entry: Entry, frame: Frame) -> None:
        self.entries.append(entry)
        if frame.pose is not None and (frame.sensor not in self.poses or entry < self.poses[frame.sensor][0]):
            self.poses[frame.sensor] = entry, frame.pose


class FramesIn:
    """The frames of the recording at `path`, read and checked; `pictures`, mostly one, says what they are.

    A sensor that begins anew, under a new epoch, at times that it had been through starts the next picture:
    so a replay in a loop was recorded. Counts what it reads and what it leaves out in `summary`.
    """

    def __init__(
        self, path: str | Path, site: SiteConfig, summary: TrackSummary, progress: Progress = quiet,
        held_bytes: int | None = None,
    ) -> None:  # fmt: skip
        self._path, self._site = path, site
        self._held: list[Frame] | None = []
        self.pictures = [AirPicture()]
        self._scan(summary, progress, HELD_BYTES if held_bytes is None else held_bytes)
        for picture in self.pictures:
            picture.entries.sort()
            picture.entries = _without_strays(picture.entries, summary)
            _count(picture.entries, summary)

    def frames(self) -> Iterator[Frame]:
        """Every frame once, picture by picture, each in order. Raises RecordingError where the recording has
        changed since."""
        if self._held is None:
            yield from self._read_again()
            return
        for picture in self.pictures:
            for entry in picture.entries:
                yield self._held[entry.place]

    def fingerprint(self) -> str:
        """An epoch made of everything that decides the output: every frame, and the configuration."""
        digest = hashlib.blake2b(repr(self._site).encode(), digest_size=8)
        for picture in self.pictures:
            digest.update(b"picture")
            digest.update(b"".join([entry.digest for entry in picture.entries]))
        return digest.hexdigest()

    def _scan(self, summary: TrackSummary, progress: Progress, held_bytes: int) -> None:
        gate = Gatekeeper(self._site)
        newest: dict[str, int] = {}
        place = size = 0
        with open_reader(self._path) as reader:
            for record in reader:
                if reader.records % PROGRESS_FRAMES == 0:
                    progress("reading", reader.offset, reader.size)
                if record.kind == "truth":
                    summary.truth += 1
                    continue
                frame = gate.accept(record.payload, None, record.topic) if record.kind == "frame" else None
                if not isinstance(frame, Frame):
                    continue
                if gate.new_picture and frame.time_ns <= newest.get(frame.sensor, 0):
                    self.pictures.append(AirPicture())
                    newest.clear()
                newest[frame.sensor] = max(frame.time_ns, newest.get(frame.sensor, 0))
                self.pictures[-1].add(_entry(frame, place), frame)
                place += 1
                if self._held is not None:
                    self._held.append(frame)
                    size += FRAME_BYTES + frame.values.nbytes + frame.times_ns.nbytes
                    if size > held_bytes and str(self._path) != STANDARD and is_file(str(self._path)):
                        self._held = None
            progress("reading", reader.offset, reader.size)
            summary.problems, summary.truncated = tuple(reader.problems), reader.truncated
        summary.rejected = dict(gate.reasons)

    def _read_again(self) -> Iterator[Frame]:
        """The same frames, as the same gate lets them through, each held until those before it are out."""
        order = [entry.place for picture in self.pictures for entry in picture.entries]
        rank = {place: number for number, place in enumerate(order)}
        gate = Gatekeeper(self._site)
        waiting: dict[int, Frame] = {}
        place = due = 0
        with open_reader(self._path) as reader:
            for record in reader:
                frame = gate.accept(record.payload, None, record.topic) if record.kind == "frame" else None
                if not isinstance(frame, Frame):
                    continue
                if place in rank:
                    waiting[rank[place]] = frame
                place += 1
                while due in waiting:
                    yield waiting.pop(due)
                    due += 1
        if due < len(order):
            raise RecordingError(str(self._path), "changed while it was read")


def _entry(frame: Frame, place: int) -> Entry:
    head = (
        f"({frame.key!r}, {frame.values.shape!r}, {frame.pose!r}, {_told(frame.swept)}, {frame.identity!r}, "
        f"{frame.snr_db is None!r})"
    )
    columns = [frame.values, frame.sigmas, frame.times_ns] + ([] if frame.snr_db is None else [frame.snr_db])
    parts: list[Any] = [head.encode(), *map(np.ascontiguousarray, columns)]  # an array is a buffer
    whole = b"".join(parts)
    told = hashlib.blake2b(whole, digest_size=DIGEST_BYTES).digest()
    return Entry(
        frame.time_ns, frame.sensor, frame.seq, frame.source, frame.epoch, place, len(frame.times_ns), told
    )  # fmt: skip


@lru_cache(maxsize=1024)  # the sectors of a rotation come again and again
def _told(swept: Coverage | None) -> str:
    """What a look covered, as text: the same for what is equal, −0 and 0 too."""
    known = swept or Coverage()
    spans = (known.range_m, known.azimuth_deg, known.elevation_deg, known.east_m, known.north_m, known.up_m)
    looked = tuple([span and (span[0] + 0.0, span[1] + 0.0) for span in spans])
    return f"{swept is None!r}, {looked!r}"


def _without_strays(entries: list[Entry], summary: TrackSummary) -> list[Entry]:
    """The frames without those few that lie more than a day from all others, which are counted as `stray`.

    One frame with the time of another century would otherwise stretch the whole output.
    """
    breaks = [i for i, (one, two) in enumerate(pairwise(entries), 1) if two.time_ns - one.time_ns > STRAY_NS]
    parts = [entries[i:j] for i, j in pairwise([0, *breaks, len(entries)])]
    kept: list[Entry] = []
    for part in parts:
        if len(part) >= STRAY_SHARE * len(entries):
            kept += part
        else:
            name = f"frame.{part[0].sensor} {part[0].seq}"
            text = f"stray: {name}: time_ns is {part[0].time_ns}; allowed is within a day of the other frames"
            count, first = summary.rejected.get("stray", (0, text))
            summary.rejected["stray"] = (count + len(part), first)
    return kept


def _count(entries: list[Entry], summary: TrackSummary) -> None:
    if entries:
        summary.frames += len(entries)
        summary.detections += sum(entry.rows for entry in entries)
        summary.from_ns = min(entries[0].time_ns, summary.from_ns or entries[0].time_ns)
        summary.to_ns = max(entries[-1].time_ns, summary.to_ns or 0)
