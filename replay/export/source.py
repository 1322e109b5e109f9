"""The air pictures of a recording that count, one after another: never all of them in memory."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields, replace
from typing import Any, Final, TypeVar

import numpy as np

from adapters.wire import read_alert, read_tracks
from fusion.config import ZoneConfig
from fusion.errors import MessageRejected, RecordingError
from fusion.types import SECOND_NS, Ints, Picture
from replay.recordings.files import open_reader
from replay.recordings.jsonl_file import STANDARD
from replay.recordings.moments import Moment, Window
from replay.recordings.record import Problems, Reader, Record, is_file, open_file
from replay.scoring.volumes import read_zones

SHOWN: Final = frozenset(("confirmed", "coasting"))
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a recording's tracks is exported.

    statuses: of the rows. begin, end: as of `Window`. tracks: ids; empty: all. every_s: pictures at least so far
    apart; 0: each.
    """

    statuses: frozenset[str] = SHOWN
    begin: Moment | None = None
    end: Moment | None = None
    tracks: frozenset[int] = frozenset()
    every_s: float = 0.0


def quiet(stage: str, done: int, total: int | None) -> None:
    """Progress for those who do not look."""


class Source:
    """A recording, read twice: first for which pictures count, then for those.

    A picture of which another comes later with the same time does not count: a late frame has changed it. pictures:
    how many were given; problems and truncated: what was wrong with the recording; alerts: its steps; zones: each as
    it was reported last; ended: track -> why it ended. All of these are whole when `__iter__` is at its end.
    """

    def __init__(self, path: str, wanted: Wanted, progress: Callable[[str, int, int | None], None] = quiet) -> None:
        self.path, self._wanted, self._progress = path, wanted, progress
        self.pictures = 0
        self.problems, self.truncated = Problems(), False
        self.alerts: list[dict[str, Any]] = []
        self.zones: dict[str, ZoneConfig] = {}
        self.ended: dict[int, str] = {}

    def __iter__(self) -> Iterator[Picture]:
        """The pictures in order of time, each with the wanted rows alone, those without a row left out.

        Pictures wait here while one of an earlier time is still to come: as long as late ones were late.
        """
        order, skipped = self._order()
        waiting: dict[int, Picture | None] = {}
        place, last_ns = 0, -(2**63)
        for number, found in self._read(skipped):
            waiting[number] = found
            while place < len(order) and order[place] in waiting:
                picture = waiting.pop(order[place])
                place += 1
                if picture is None or picture.time_ns - last_ns < self._wanted.every_s * SECOND_NS:
                    continue
                last_ns = picture.time_ns
                self.pictures += 1
                if len(picture.id):
                    yield picture

    def _order(self) -> tuple[list[int], set[int]]:
        """Numbers of the pictures that count, in order of time; and of those that do not, or are out of the window."""
        window = self._window()
        numbers: dict[int, int] = {}
        skipped: set[int] = set()
        with open_reader(self.path) as reader:
            for number, record in _numbered(reader, window, skipped):
                self._show("looking", reader)
                before = numbers.get(record.time_ns)
                if before is not None and not _readable(record):
                    continue  # it is read again, and counted, with the others
                if before is not None:
                    skipped.add(before)
                numbers[record.time_ns] = number
        return [numbers[time_ns] for time_ns in sorted(numbers)], skipped

    def _read(self, skipped: set[int]) -> Iterator[tuple[int, Picture | None]]:
        window = self._window()
        number = -1
        with open_reader(self.path) as reader:
            for record in reader:
                self._show("exporting", reader)
                inside = window.takes(record.time_ns)
                if record.kind == "tracks":
                    number += 1
                    if number not in skipped:
                        picture = self._try(reader, record, read_tracks)
                        yield number, None if picture is None else self._chosen(picture)
                elif record.kind == "alert" and inside:
                    step = self._try(reader, record, read_alert)
                    self.alerts += [] if step is None else [step]
                elif record.kind == "zones":
                    report = self._try(reader, record, read_zones)
                    self.zones.update({} if report is None else {zone.id: zone for zone in report.zones})
            self.problems, self.truncated = reader.problems, reader.truncated

    def _window(self) -> Window:
        return Window(self._wanted.begin, self._wanted.end)

    def _show(self, stage: str, reader: Reader) -> None:
        self._progress(stage, reader.offset, reader.size)

    @staticmethod
    def _try(reader: Reader, record: Record, read: Callable[[dict[str, Any]], T]) -> T | None:
        try:
            return read(record.message)
        except MessageRejected as error:
            reader.problems.add(f"{record.kind} {error.code}", error.detail, reader.offset)
            return None

    def _chosen(self, picture: Picture) -> Picture:
        wanted = self._wanted
        for row, status in enumerate(picture.status):
            if status == "ended":
                self.ended[int(picture.id[row])] = picture.reason[row] or ""
        keep = np.array([status in wanted.statuses for status in picture.status], dtype=bool)
        if wanted.tracks:
            keep &= np.isin(picture.id, np.array(sorted(wanted.tracks), dtype=np.int64))
        return picture if keep.all() else rows_of(picture, np.flatnonzero(keep))


def _numbered(reader: Reader, window: Window, skipped: set[int]) -> Iterator[tuple[int, Record]]:
    """The pictures inside the window with their number in the file; those outside go into `skipped`."""
    number = -1
    for record in reader:
        inside = window.takes(record.time_ns)
        if record.kind == "tracks":
            number += 1
            if inside:
                yield number, record
            else:
                skipped.add(number)


def _readable(record: Record) -> bool:
    try:
        read_tracks(record.message)
    except MessageRejected:
        return False
    return True


def rows_of(picture: Picture, rows: Ints) -> Picture:
    """A picture with these of its rows alone, in this order."""
    chosen: dict[str, Any] = {}
    for entry in fields(picture):
        column = getattr(picture, entry.name)
        if isinstance(column, np.ndarray):
            chosen[entry.name] = column[rows]
        elif isinstance(column, tuple):
            chosen[entry.name] = _picked(column, rows)
    return replace(picture, **chosen)


def _picked(column: Sequence[T], rows: Ints) -> tuple[T, ...]:
    return tuple([column[row] for row in rows.tolist()])


@contextmanager
def readable_twice(path: str) -> Iterator[str]:
    """The path of the recording; standard input or a pipe is put into a temporary file for as long as needed."""
    if path != STANDARD and is_file(path):
        yield path
        return
    name = "standard input" if path == STANDARD else path
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        try:
            with nullcontext(sys.stdin.buffer) if path == STANDARD else open_file(path, pipes=True) as source:
                shutil.copyfileobj(source, file)
            file.flush()
        except OSError as error:
            raise RecordingError(name, f"cannot be kept: {error.strerror or error}") from error
        try:
            yield file.name
        except RecordingError as error:
            if error.file == file.name:
                raise RecordingError(name, error.detail, error.offset) from error
            raise
